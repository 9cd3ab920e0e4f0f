// Lists of the two rivals that have them, as cmd/lists measures ours: node lists.mjs n taps.
// One line of JSON for each. A tap gives a post another number of likes, which moves it in the
// list, and is taken back; after both the first 50 rows are read.
import { createCollection, createLiveQueryCollection, createTransaction } from '@tanstack/db';
import relay from 'relay-runtime';

const n = Number(process.argv[2]);
const taps = Number(process.argv[3]);
const { Environment, Network, Observable, RecordSource, Store, commitLocalUpdate, commitMutation, createOperationDescriptor } = relay;

const likes = (i) => (i * 31) % 1000;
const posts = () => Array.from({ length: n }, (_, i) => ({ id: String(i), text: `post ${i}`, likes: likes(i) }));
const before = (a, b) => b.likes - a.likes || (a.id < b.id ? -1 : 1);
const first = 50;
/** A page of posts that were not loaded. */
const paged = (t) => Array.from({ length: first }, (_, i) => ({ id: `new-${t}-${i}`, text: 'new', likes: (i * 37) % 1000 }));

/** The first rows of what a list must have. */
function expected(id, value, pages = 0) {
  const all = posts();
  if (id !== undefined) all[id].likes = value;
  for (let t = 0; t < pages; t++) all.push(...paged(t));
  return all.sort(before).slice(0, first);
}

function same(rows, want) {
  return rows.length === want.length && rows.every((r, i) => r.id === want[i].id && r.likes === want[i].likes);
}

const micros = (from) => Number(process.hrtime.bigint() - from) / 1e3;

function median(values) {
  values.sort((a, b) => a - b);
  return values[values.length >> 1];
}

function heap() {
  global.gc?.();
  return process.memoryUsage().heapUsed;
}

async function measure(name, open) {
  const list = await open();
  let right = same(list.first(), expected());
  const took = [];
  for (let t = 0; t < taps; t++) {
    const id = (t * 7919) % n;
    const value = (t * 7919) % 1000;
    const start = process.hrtime.bigint();
    const back = list.tap(id, value);
    const rows = list.first();
    const there = micros(start);
    if (t === taps - 1) right = right && same(rows, expected(id, value));
    const again = process.hrtime.bigint();
    back();
    list.first();
    took.push(there + micros(again));
    await undefined;
  }
  right = right && same(list.first(), expected());
  const reads = [];
  for (let t = 0; t < 200; t++) {
    const start = process.hrtime.bigint();
    list.first();
    reads.push(micros(start));
  }
  const page = [];
  for (let t = 0; t < 20; t++) {
    const start = process.hrtime.bigint();
    list.page(t);
    list.first();
    page.push(micros(start));
    await undefined;
  }
  right = right && same(list.first(), expected(undefined, 0, page.length));
  console.log(JSON.stringify({ name, n, right, tap: median(took), first: median(reads), page: median(page), row: list.row }));
}

// A live query, ordered, over a collection: https://tanstack.com/db/latest/docs/guides/live-queries
async function tanstack() {
  let sync;
  const collection = createCollection({
    id: 'posts',
    getKey: (post) => post.id,
    startSync: true,
    sync: {
      sync: (params) => {
        sync = params;
        params.begin();
        for (const value of posts()) params.write({ type: 'insert', value });
        params.commit();
        params.markReady();
      },
    },
  });
  await collection.preload();
  const empty = heap();
  const live = createLiveQueryCollection((q) =>
    q
      .from({ post: collection })
      .orderBy(({ post }) => post.likes, 'desc')
      .orderBy(({ post }) => post.id, 'asc')
  );
  live.subscribeChanges(() => {});
  await live.preload();
  const row = (heap() - empty) / n;
  return {
    row,
    tap(id, value) {
      const tx = createTransaction({ autoCommit: false, mutationFn: async () => {} });
      tx.isPersisted.promise.catch(() => {});
      tx.mutate(() => collection.update(String(id), (draft) => void (draft.likes = value)));
      return () => tx.rollback();
    },
    first() {
      const rows = [];
      for (const post of live.values()) if (rows.push(post) === first) break;
      return rows;
    },
    page(t) {
      sync.begin();
      for (const value of paged(t)) sync.write({ type: 'insert', value });
      sync.commit();
    },
  };
}

// A connection whose edges the updater keeps in order, since Relay does not sort:
// https://relay.dev/docs/guided-tour/list-data/updating-connections/
async function connection() {
  const scalar = (name) => ({ alias: null, args: null, kind: 'ScalarField', name, storageKey: null });
  const linked = (name, concreteType, plural, selections) => ({
    alias: null, args: null, concreteType, kind: 'LinkedField', name, plural, selections, storageKey: null,
  });
  const request = (kind, name, selections) => ({
    kind: 'Request',
    fragment: { argumentDefinitions: [], kind: 'Fragment', metadata: null, name, selections, type: kind, abstractKey: null },
    operation: { argumentDefinitions: [], kind: 'Operation', name, selections },
    params: { cacheID: name, id: name, metadata: {}, name, operationKind: kind.toLowerCase(), text: null },
  });
  const post = ['id', 'text', 'likes'].map(scalar);
  const query = request('Query', 'Feed', [
    linked('feed', 'FeedConnection', false, [linked('edges', 'FeedEdge', true, [scalar('cursor'), linked('node', 'Post', false, post)])]),
  ]);
  const mutation = request('Mutation', 'Like', [linked('like', 'Post', false, post)]);
  const environment = new Environment({
    network: Network.create(() => Observable.create(() => {})), // no answer comes
    store: new Store(new RecordSource()),
  });
  const feed = createOperationDescriptor(query, {});
  const empty = heap();
  environment.retain(feed);
  environment.commitPayload(feed, {
    feed: { edges: posts().sort(before).map((node) => ({ cursor: node.id, node })) },
  });
  let now = environment.lookup(feed.fragment);
  environment.subscribe(now, (snapshot) => (now = snapshot));
  const row = (heap() - empty) / n;
  /** The place of a post in edges. */
  const placeOf = (edges, post) => {
    let [low, high] = [0, edges.length];
    while (low < high) {
      const mid = (low + high) >> 1;
      const node = edges[mid].getLinkedRecord('node');
      if (before({ id: node.getValue('id'), likes: node.getValue('likes') }, post) < 0) low = mid + 1;
      else high = mid;
    }
    return low;
  };
  return {
    row,
    tap(id, value) {
      const { dispose } = commitMutation(environment, {
        mutation,
        variables: {},
        optimisticUpdater: (store) => {
          store.get(String(id)).setValue(value, 'likes');
          const connection = store.getRoot().getLinkedRecord('feed');
          const edges = [...connection.getLinkedRecords('edges')];
          const at = edges.findIndex((e) => e.getLinkedRecord('node').getDataID() === String(id));
          const [edge] = edges.splice(at, 1);
          edges.splice(placeOf(edges, { id: String(id), likes: value }), 0, edge);
          connection.setLinkedRecords(edges, 'edges');
        },
      });
      return dispose;
    },
    first: () => now.data.feed.edges.slice(0, first).map((e) => e.node),
    page(t) {
      commitLocalUpdate(environment, (store) => {
        const connection = store.getRoot().getLinkedRecord('feed');
        const edges = [...connection.getLinkedRecords('edges')];
        for (const post of paged(t)) {
          const node = store.create(post.id, 'Post');
          for (const [field, value] of Object.entries(post)) node.setValue(value, field);
          const edge = store.create(`edge-${post.id}`, 'FeedEdge');
          edge.setValue(post.id, 'cursor');
          edge.setLinkedRecord(node, 'node');
          edges.splice(placeOf(edges, post), 0, edge);
        }
        connection.setLinkedRecords(edges, 'edges');
      });
    },
  };
}

await measure('TanStack DB live query', tanstack);
await measure('Relay connection', connection);
