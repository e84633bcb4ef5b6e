import { changes } from './changes.ts';
import { creates } from './creates.ts';
import { drain } from './drain.ts';
import { commits, route } from './floors.ts';
import type { Scenario } from './scenario.ts';
import { visibility, wholeCreates } from './whole.ts';

/** In the order of a round: each beside its floors, and what needs relay and worker last. The targets were set before anything was measured. */
export const scenarios: Scenario[] = [
  commits(32),
  route(32),
  creates({
    name: 'creates-32',
    title: 'Creates, 32 connections',
    connections: 32,
    targets: [
      { figure: 'perSecond', atLeast: 18_000 },
      { figure: 'perSecond', of: 'commits-32', atLeast: 0.7 },
      { figure: 'perSecond', of: 'route-32' },
      { figure: 'p99', atMost: 10 },
    ],
  }),
  creates({
    name: 'keyed-creates-32',
    title: 'Creates with an Idempotency-Key each, 32 connections',
    connections: 32,
    keyed: true,
    targets: [{ figure: 'perSecond', of: 'creates-32', atLeast: 0.7 }],
  }),
  changes({
    name: 'changes-10000',
    title: 'Changes over 10 000 products, 32 connections',
    products: 10_000,
    targets: [
      { figure: 'perSecond', atLeast: 10_000 },
      { figure: 'perSecond', of: 'commits-32' },
      { figure: 'perSecond', of: 'route-32' },
    ],
  }),
  changes({
    name: 'changes-1',
    title: 'Changes of one product, 32 connections',
    products: 1,
    targets: [
      { figure: 'perSecond', atLeast: 2_000 },
      { figure: 'perSecond', of: 'commits-32' },
    ],
  }),
  route(256),
  creates({
    name: 'creates-256',
    title: 'Creates, 256 connections',
    connections: 256,
    targets: [
      { figure: 'perSecond', atLeast: 22_000 },
      { figure: 'perSecond', of: 'commits-32' },
      { figure: 'perSecond', of: 'route-256' },
    ],
  }),
  commits(1),
  route(1),
  creates({
    name: 'lone-create',
    title: 'Creates one after the other, 1 connection',
    connections: 1,
    targets: [
      { figure: 'p50', atMost: 1.5 },
      { figure: 'perSecond', of: 'commits-1' },
      { figure: 'perSecond', of: 'route-1' },
    ],
  }),
  drain,
  visibility,
  wholeCreates,
];
