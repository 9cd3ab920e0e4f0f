import { ApolloClient, ApolloLink, gql, InMemoryCache, Observable } from '@apollo/client/core';
import { RetryLink } from '@apollo/client/link/retry';
import { apply, initial } from '../lib/model.mjs';

// optimisticResponse, as the page on optimistic mutation results shows it.
export const name = 'apollo';
export const title = 'Apollo Client';
export const pkg = '@apollo/client';
export const doc = 'https://www.apollographql.com/docs/react/performance/optimistic-ui';

const fields = gql`
  fragment PostFields on Post {
    id
    version
    liked
    count
    x
    y
    list
  }
`;
const change = gql`
  mutation Change($op: Op!) {
    change(op: $op) {
      ...PostFields
    }
  }
  ${fields}
`;

export async function create(server, { retry }) {
  const typed = (state) => ({ __typename: 'Post', ...state });
  const transport = new ApolloLink(
    (operation) =>
      new Observable((observer) => {
        server.call(operation.variables.op).then(
          (truth) => {
            observer.next({ data: { change: typed(truth) } });
            observer.complete();
          },
          (error) => observer.error(error),
        );
      }),
  );
  const again = new RetryLink({
    delay: { initial: 10, max: 80, jitter: false },
    attempts: { max: 4, retryIf: (error) => !error.permanent },
  });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: retry ? again.concat(transport) : transport,
  });
  const ref = (id) => ({ __typename: 'Post', id });
  const read = (id) =>
    client.readFragment({ from: ref(id), fragment: fields, fragmentName: 'PostFields' }, true);
  const write = (state) =>
    client.writeFragment({
      from: ref(state.id),
      fragment: fields,
      fragmentName: 'PostFields',
      data: typed(state),
    });

  return {
    load(ids) {
      client.cache.batch({
        update: () => {
          for (const id of ids) write(initial(id));
        },
      });
    },
    show(id, changed) {
      client
        .watchFragment({ from: ref(id), fragment: fields, fragmentName: 'PostFields' })
        .subscribe(() => changed?.());
    },
    mutate: (op) =>
      client.mutate({
        mutation: change,
        variables: { op },
        optimisticResponse: { change: typed(apply(read(op.entity), op)) },
      }),
    view: read,
    receive: write,
    close: () => client.stop(),
  };
}
