export { trackedColumns } from '@catalogue/projection-schema';
export { runCommand, type ToolOptions, type ToolSettings } from './cli/run.ts';
export { connectModel } from './connect.ts';
export { storable } from './fold/storable.ts';
export type { Effects, Legacy, Merged, Model, Step, Table, Tracked, Writes, Written } from './model.ts';
export { type PlainRow, plainRows, type PlainTable } from './plain-rows.ts';
export { openProjection, type Projection, type ProjectionOptions } from './projection.ts';
export { buildWorker, modelSettings, runModel } from './run-model.ts';
export { TooMuchAtOnce } from './too-much-at-once.ts';
