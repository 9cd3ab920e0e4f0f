import { createElement } from 'react';
import { create as render } from 'react-test-renderer';
import useSWR, { mutate } from 'swr';
import { cache } from 'swr/_internal';
import { apply, initial } from '../lib/model.mjs';

// mutate(key, request, { optimisticData, rollbackOnError }); the answer is
// written to the cache (populateCache), and whatever a mounted hook shows is
// revalidated. SWR revalidates only what a hook shows, so an entity on the
// screen is a useSWR in a component of the test renderer.
export const name = 'swr';
export const title = 'SWR';
export const pkg = 'swr';
export const doc = 'https://swr.vercel.app/docs/mutation#optimistic-updates';
export const retries = false;

let instances = 0;

export async function create(server) {
  const prefix = `client-${++instances}/`;
  const key = (id) => prefix + id;
  const mounted = [];

  return {
    async load(ids) {
      for (const id of ids) await mutate(key(id), initial(id), { revalidate: false });
    },
    async show(id, changed) {
      const Post = () => {
        useSWR(key(id), () => server.read(id), {
          revalidateIfStale: false,
          revalidateOnFocus: false,
          revalidateOnReconnect: false,
          dedupingInterval: 0,
          onSuccess: () => changed?.(),
        });
        changed?.();
        return null;
      };
      mounted.push(render(createElement(Post)));
      await new Promise((resolve) => setTimeout(resolve, 20));
    },
    mutate: (op) =>
      mutate(
        key(op.entity),
        () => server.call(op),
        { optimisticData: (_committed, displayed) => apply(displayed, op), rollbackOnError: true },
      ),
    view: (id) => cache.get(key(id))?.data,
    receive: (truth) => mutate(key(truth.id), truth, { revalidate: false }),
    close() {
      for (const tree of mounted) tree.unmount();
      for (const k of [...cache.keys()]) if (k.startsWith(prefix)) cache.delete(k);
    },
  };
}
