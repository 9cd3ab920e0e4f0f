/** Every library that can be run, in the order of the tables. */
export const libraries = [
  'tanstack-query',
  'tanstack-db',
  'rtk-query',
  'apollo',
  'swr',
  'relay',
  'replicache',
  'floor',
];
