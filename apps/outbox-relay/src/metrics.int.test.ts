import { migrateEventStore } from '@catalogue/event-store';
import { createMetrics } from '@catalogue/service';
import { createDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { appendTo, log, newIds } from '../test/fixture.ts';
import { backlogMetrics } from './metrics.ts';
import { defaultName } from './name.ts';

test('each scrape, the first included, shows the current backlog', async () => {
  await using db = await createDatabase(inject('servers').writeDb, migrateEventStore);
  const registry = createMetrics('test');
  backlogMetrics(registry, db.sql, defaultName, log);
  await appendTo(db, newIds(1), 1, 3);
  const scraped = await registry.metrics();
  expect(scraped).toMatch(/^relay_backlog_events\S* 3$/m);
  expect(scraped).toMatch(/^relay_backlog_seconds\S* (?!0$)[\d.e-]+$/m);
});
