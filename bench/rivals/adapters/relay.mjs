import relay from 'relay-runtime';
import { apply, initial } from '../lib/model.mjs';

// commitMutation with an optimistic updater, as the page on GraphQL mutations
// shows it. The requests below are what the Relay compiler writes for
//
//   fragment PostFields on Post { id version liked count x y list }
//   query Feed($ids: [ID!]!) { posts(ids: $ids) { ...PostFields } }
//   query Post($id: ID!) { post(id: $id) { ...PostFields } }
//   mutation Change($op: Op!) { change(op: $op) { ...PostFields } }
export const name = 'relay';
export const title = 'Relay';
export const pkg = 'relay-runtime';
export const doc = 'https://relay.dev/docs/guided-tour/updating-data/graphql-mutations/';
export const retries = false;

const { Environment, Network, RecordSource, Store, commitMutation, createOperationDescriptor, createReaderSelector } =
  relay;

const scalars = ['id', 'version', 'liked', 'count', 'x', 'y', 'list'].map((field) => ({
  alias: null,
  args: null,
  kind: 'ScalarField',
  name: field,
  storageKey: null,
}));

function request(kind, requestName, root, argument, plural = false) {
  const selections = [
    {
      alias: null,
      args: [{ kind: 'Variable', name: argument, variableName: argument }],
      concreteType: 'Post',
      kind: 'LinkedField',
      name: root,
      plural,
      selections: scalars,
      storageKey: null,
    },
  ];
  const argumentDefinitions = [{ defaultValue: null, kind: 'LocalArgument', name: argument }];
  return {
    kind: 'Request',
    fragment: {
      argumentDefinitions,
      kind: 'Fragment',
      metadata: null,
      name: requestName,
      selections,
      type: kind === 'query' ? 'Query' : 'Mutation',
      abstractKey: null,
    },
    operation: { argumentDefinitions, kind: 'Operation', name: requestName, selections },
    params: {
      cacheID: requestName,
      id: requestName,
      metadata: {},
      name: requestName,
      operationKind: kind,
      text: null,
    },
  };
}
const feedQuery = request('query', 'Feed', 'posts', 'ids', true);
const postQuery = request('query', 'Post', 'post', 'id');
const changeMutation = request('mutation', 'Change', 'change', 'op');
const postFragment = {
  argumentDefinitions: [],
  kind: 'Fragment',
  metadata: null,
  name: 'PostFields',
  selections: scalars,
  type: 'Post',
  abstractKey: null,
};

export async function create(server) {
  const environment = new Environment({
    network: Network.create(async (_params, { op }) => ({
      data: { change: await server.call(op) },
    })),
    store: new Store(new RecordSource()),
  });
  const held = [];
  let feed;
  const selector = (id) => createReaderSelector(postFragment, id, {}, feed.request);

  return {
    load(ids) {
      feed = createOperationDescriptor(feedQuery, { ids });
      // What the component that shows the feed does: it keeps the records alive.
      held.push(environment.retain(feed));
      environment.commitPayload(feed, { posts: ids.map(initial) });
    },
    show(id, changed) {
      held.push(environment.subscribe(environment.lookup(selector(id)), () => changed?.()));
    },
    mutate: (op) =>
      new Promise((resolve, reject) => {
        commitMutation(environment, {
          mutation: changeMutation,
          variables: { op },
          optimisticUpdater: (store) => {
            const post = store.get(op.entity);
            const now = {
              liked: post.getValue('liked'),
              count: post.getValue('count'),
              x: post.getValue('x'),
              y: post.getValue('y'),
              list: post.getValue('list'),
            };
            const next = apply(now, op);
            for (const field in next) {
              if (next[field] !== now[field]) post.setValue(next[field], field);
            }
          },
          onCompleted: resolve,
          onError: reject,
        });
      }),
    view: (id) => environment.lookup(selector(id)).data,
    receive(truth) {
      environment.commitPayload(createOperationDescriptor(postQuery, { id: truth.id }), {
        post: truth,
      });
    },
    close() {
      for (const h of held) h.dispose();
    },
  };
}
