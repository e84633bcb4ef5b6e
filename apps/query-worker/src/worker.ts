// The former name of cli.js, kept for one release: scripts of operators may run dist/worker.js.
import './cli.ts';
