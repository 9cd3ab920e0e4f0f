// Runs one workload on one library and prints one JSON document (the schema is
// in ../WORKLOADS.md). Usage:
//
//   node --expose-gc run.mjs <library> <workload> <full|quick>
import { readFileSync } from 'node:fs';

const [library, workload, form] = process.argv.slice(2);
const { libraries } = await import('./lib/libraries.mjs');
const { workloads } = await import('./workloads/index.mjs');
if (!libraries.includes(library) || !workloads[workload] || !['full', 'quick'].includes(form)) {
  console.error('usage: node --expose-gc run.mjs <library> <workload> <full|quick>');
  process.exit(2);
}
// A library's stray rejection is its result, not the end of the measurement.
let stray = 0;
process.on('unhandledRejection', () => stray++);

const adapter = await import(`./adapters/${library}.mjs`);
const { run } = await workloads[workload].load();
const results = [];
for await (const cell of run(adapter, workloads[workload][form])) results.push(cell);

const document = {
  schema: 1,
  library: adapter.name,
  title: adapter.title,
  version: adapter.pkg ? installed(adapter.pkg) : '',
  doc: adapter.doc,
  runtime: `node ${process.versions.node}`,
  workload,
  form,
  stray_rejections: stray,
  results,
};
process.stdout.write(JSON.stringify(document) + '\n', () => process.exit(0));

function installed(name) {
  const url = new URL(`./node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')).version;
}
