export { type Engine, findEngine } from './engine.ts';
