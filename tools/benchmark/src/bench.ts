// npm run bench: measures the running system, on servers of its own, and prints what it found.
import { System } from '@catalogue/acceptance';
import { measureVisibility } from './visibility.ts';

await using system = await System.start();
await measureVisibility(system);
