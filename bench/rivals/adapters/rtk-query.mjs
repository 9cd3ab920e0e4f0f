import { configureStore } from '@reduxjs/toolkit';
import { createApi, retry as withRetry } from '@reduxjs/toolkit/query';
import { applyTo, initial } from '../lib/model.mjs';

// The documented recipe: onQueryStarted patches the cached query and undoes the
// patch if the request fails.
export const name = 'rtk-query';
export const title = 'RTK Query';
export const pkg = '@reduxjs/toolkit';
export const doc =
  'https://redux-toolkit.js.org/rtk-query/usage/manual-cache-updates#optimistic-updates';

export async function create(server, { retry }) {
  const request = async ({ op, id }) => {
    try {
      return { data: op ? await server.call(op) : await server.read(id) };
    } catch (error) {
      const failed = { error: { status: error.status } };
      if (retry && error.permanent) withRetry.fail(failed.error);
      return failed;
    }
  };
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const api = createApi({
    baseQuery: retry
      ? withRetry(request, { maxRetries: 3, backoff: (n) => wait(10 * 2 ** (n - 1)) })
      : request,
    endpoints: (build) => ({
      getPost: build.query({ query: (id) => ({ id }) }),
      change: build.mutation({
        query: (op) => ({ op }),
        async onQueryStarted(op, { dispatch, queryFulfilled }) {
          const patch = dispatch(
            api.util.updateQueryData('getPost', op.entity, (draft) => applyTo(draft, op)),
          );
          try {
            await queryFulfilled;
          } catch {
            patch.undo();
          }
        },
      }),
    }),
  });
  const store = configureStore({
    reducer: { [api.reducerPath]: api.reducer },
    // The development checks; production builds leave them out.
    middleware: (defaults) =>
      defaults({ serializableCheck: false, immutableCheck: false }).concat(api.middleware),
  });
  const selectors = new Map();
  function select(id) {
    if (!selectors.has(id)) selectors.set(id, api.endpoints.getPost.select(id));
    return selectors.get(id);
  }

  return {
    load(ids) {
      store.dispatch(
        api.util.upsertQueryEntries(
          ids.map((id) => ({ endpointName: 'getPost', arg: id, value: initial(id) })),
        ),
      );
    },
    show(id, changed) {
      store.dispatch(api.endpoints.getPost.initiate(id));
      if (changed) store.subscribe(changed);
    },
    mutate(op) {
      const request = store.dispatch(api.endpoints.change.initiate(op));
      // What the hook does once its component asks for something else.
      return request.unwrap().finally(() => request.reset());
    },
    view: (id) => select(id)(store.getState()).data,
    receive(truth) {
      // What updateCachedData does in the "streaming updates" recipe.
      store.dispatch(
        api.util.updateQueryData('getPost', truth.id, (draft) => void Object.assign(draft, truth)),
      );
    },
    close() {
      store.dispatch(api.util.resetApiState());
    },
  };
}
