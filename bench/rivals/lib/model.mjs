// The model of WORKLOADS.md: one kind of entity, four kinds of operation, and
// the function that applies one to the other. The Go runner has the same.

/** The state in which every entity begins. */
export function initial(id) {
  return { id, version: 1, liked: false, count: 0, x: 0, y: 0, list: ['a'] };
}

/** The state after op; the given state is left alone. */
export function apply(state, op) {
  switch (op.kind) {
    case 'set':
      return { ...state, liked: op.arg };
    case 'add':
      return { ...state, count: state.count + op.arg };
    case 'push':
      return { ...state, list: [...state.list, op.arg] };
    case 'field':
      return { ...state, ...op.arg };
    default:
      throw new Error(`unknown kind of operation: ${op.kind}`);
  }
}

/** The same change written into a draft, for libraries that hand out drafts. */
export function applyTo(draft, op) {
  switch (op.kind) {
    case 'set':
      draft.liked = op.arg;
      break;
    case 'add':
      draft.count += op.arg;
      break;
    case 'push':
      draft.list.push(op.arg);
      break;
    case 'field':
      Object.assign(draft, op.arg);
      break;
    default:
      throw new Error(`unknown kind of operation: ${op.kind}`);
  }
}

/** Whether two states look the same to a person: everything but the version. */
export function same(a, b) {
  return (
    a.liked === b.liked &&
    a.count === b.count &&
    a.x === b.x &&
    a.y === b.y &&
    a.list.length === b.list.length &&
    a.list.every((v, i) => v === b.list[i])
  );
}

/** The bit mixer that both runners draw their faults from (murmur3 finaliser). */
export function mix32(x) {
  x >>>= 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  x ^= x >>> 16;
  return x >>> 0;
}

/** A number in [0, 1) that depends on nothing but its arguments. */
export function draw(stream, op, attempt) {
  const x =
    Math.imul(stream, 0x9e3779b1) + Math.imul(op, 0x85ebca6b) + Math.imul(attempt, 0xc2b2ae35);
  return mix32(x) / 2 ** 32;
}
