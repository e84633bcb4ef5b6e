import { Catalogue } from '@catalogue/client';
import { waitFor } from '@catalogue/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blocksOf, type SecuredService, SecuredSystem } from './secured-system.ts';

let system: SecuredSystem;
let shop: Catalogue;

beforeAll(async () => {
  system = await SecuredSystem.start();
  await system.run('command-api', 'query-api', 'price-history', 'promotions');
  await system.run('outbox-relay', 'query-worker', 'promotions-relay');
  shop = new Catalogue({
    commands: system.url('command-api'),
    queries: system.url('query-api'),
    token: () => system.token('shop', 'catalogue:read catalogue:write'),
  });
}, 400_000);
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

async function ask(service: SecuredService, path: string, init: RequestInit = {}, scope = 'catalogue:read') {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${await system.token('shop', scope)}`);
  const response = await fetch(system.url(service) + path, { ...init, headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

test('with exactly the rights of the how-to, products, prices and promotions work', async () => {
  const { id } = await shop.create({ name: 'Mouse', price: 39.9 });
  expect(await shop.get(id)).toMatchObject({ name: 'Mouse', price: 39.9 });
  expect(await Array.fromAsync(shop.list({ q: 'mouse' }))).toMatchObject([{ id }]);
  await waitFor('the price line', async () => (await ask('price-history', `/products/${id}/prices`)).status === 200);
  await waitFor('the promotion to be scheduled', async () => {
    const startsAt = new Date(Date.now() + 2_000).toISOString();
    const endsBefore = new Date(Date.now() + 3_600_000).toISOString();
    const body = JSON.stringify({ name: 'Sale', products: [id], percent: 10, startsAt, endsBefore, onRefusal: 'skip' });
    const headers = { 'content-type': 'application/json' };
    return (
      (await ask('promotions', '/promotions', { method: 'POST', headers, body }, 'catalogue:write')).status === 202
    );
  });
  await waitFor('the promoted price', async () => (await shop.get(id)).price === 35.91);
  const history = JSON.parse((await ask('command-api', `/products/${id}/history`)).text) as { by: string | null }[];
  expect(history.map(({ by }) => by)).toEqual(['promotions', 'shop']);
  const [promotion] = JSON.parse((await ask('promotions', '/promotions')).text) as { id: string }[];
  await waitFor('the label of the promotion', async () => {
    const { text } = await ask('price-history', `/products/${id}/prior-price`);
    return (JSON.parse(text) as { promotion: string | null }).promotion === promotion?.id;
  });
  await waitFor('the events of the promotion in Kafka', async () => {
    const { text } = await ask('promotions-relay', '/metrics');
    return /^relay_events_total\S* [2-9]/m.test(text);
  });
}, 300_000);

const rights: [service: SecuredService, database: string, role: string, right: string, fault: RegExp][] = [
  ['command-api', 'catalogue_write', 'command_api', 'insert on events', /permission denied for table events/],
  ['command-api', 'catalogue_write', 'command_api', 'select on log_origin', /permission denied for table log_origin/],
  ['outbox-relay', 'catalogue_write', 'outbox_relay', 'select on events', /permission denied for table events/],
  ['outbox-relay', 'catalogue_write', 'outbox_relay', 'update on cursors', /permission denied for table cursors/],
  ['query-api', 'catalogue_read', 'query_api', 'select on changes', /permission denied for table changes/],
];

test.each(rights)(
  'without a right in its database, %s says which: %s, %s, %s',
  async (service, database, role, right, fault) => {
    const before = system.logOf(service).length;
    await system.sql(`revoke ${right} from ${role}`, database);
    let said = '';
    try {
      await waitFor(`${service} to say it`, async () => {
        await shop.create({ name: 'Keyboard', price: 1 }).catch(() => {});
        const { text } = await ask(service, '/health/ready');
        said = system.logOf(service).slice(before) + text;
        return fault.test(said);
      });
    } finally {
      await system.sql(`grant ${right} to ${role}`, database);
    }
    expect(said).toMatch(fault);
    await waitFor(`${service} to work again`, async () => await system.isReady(service));
  },
);

test('no service may do in a database what the how-to does not grant', async () => {
  const refusals: [database: string, role: string, statement: string][] = [
    ['catalogue_write', 'command_api', 'update events set version = 1'],
    ['catalogue_write', 'command_api', 'delete from events'],
    ['catalogue_write', 'command_api', 'truncate events'],
    ['catalogue_write', 'command_api', 'update log_origin set system_identifier = 1'],
    ['catalogue_write', 'outbox_relay', 'insert into events default values'],
    ['catalogue_write', 'outbox_relay', 'select 1 from idempotency_keys'],
    ['catalogue_write', 'outbox_relay', 'create table public.own ()'],
    ['catalogue_read', 'query_api', 'delete from products'],
    ['catalogue_read', 'query_api', 'create temporary table own ()'],
    ['catalogue_promotions', 'promotions_relay', 'select 1 from promotions'],
    ['catalogue_read', 'command_api', 'select 1'],
    ['catalogue_write', 'query_api', 'select 1'],
    ['catalogue_prices', 'promotions', 'select 1'],
  ];
  for (const [database, role, statement] of refusals)
    await expect(system.sql(statement, database, role), `${role}: ${statement}`).rejects.toThrow(/permission denied/);
});

const acls: [service: SecuredService, acl: string, fault: RegExp][] = [
  ['outbox-relay', '--operation Write --topic product-events', /the ACL to write to it is missing/],
  ['query-worker', '--operation Read --topic product-events', /authorization/i],
  ['query-worker', '--operation Read --group query-worker- --resource-pattern-type prefixed', /authorization/i],
];

test.each(acls)('without a right in Kafka, %s says which: %s', async (service, acl, fault) => {
  await system.stop(service);
  const before = system.logOf(service).length;
  const args = ['--allow-principal', `User:${service}`, ...acl.split(' ')];
  await system.kafka.revoke(...args);
  try {
    system.launch(service);
    await waitFor(`${service} to say it`, async () => {
      const ready = await ask(service, '/health/ready').catch(() => ({ text: '' }));
      return fault.test(system.logOf(service).slice(before) + ready.text);
    });
    expect(await system.isReady(service)).toBe(false);
  } finally {
    await system.kafka.grant(...args);
  }
  await system.stop(service);
  await system.run(service);
});

test('no process writes a password or a token, to its log or in its answers', async () => {
  const answers: string[] = [];
  for (const service of [
    'command-api',
    'query-api',
    'price-history',
    'promotions',
    'outbox-relay',
    'query-worker',
  ] as const) {
    for (const path of [
      '/metrics',
      '/health/ready',
      '/nowhere',
      '/products/%ff',
      '/products?limit=x',
      '/promotions/x',
    ]) {
      for (const scope of ['catalogue:read', 'catalogue:ops']) {
        const { headers, text } = await ask(service, path, {}, scope);
        answers.push(JSON.stringify([...headers]), text);
      }
    }
  }
  const wrong = `${(await system.token('shop', 'catalogue:read')).slice(0, -4)}AAAA`;
  const refused = await fetch(`${system.url('query-api')}/products`, { headers: { authorization: `Bearer ${wrong}` } });
  expect(refused.status).toBe(401);
  answers.push(JSON.stringify([...refused.headers]), await refused.text());
  const written = system.written + answers.join('');
  expect(written).toContain('"subject":"shop"');
  expect([...system.secrets, wrong].filter((secret) => written.includes(secret))).toEqual([]);
});

test('after the statements of the how-to, nothing names a subject or an earlier name of a product', async () => {
  const { id } = await shop.create({ name: 'Present for Alice', price: 1 }, { idempotencyKey: 'alice-1' });
  await shop.change(id, { name: 'Present' });
  for (const block of blocksOf('erase-personal-data', 'sql'))
    await system.runSql(block.replaceAll("'alice'", "'shop'").replaceAll(/018f[0-9a-f-]{32}/g, id));
  const { text } = await ask('command-api', `/products/${id}/history`);
  const history = JSON.parse(text) as { by: string; changes: { name: string } }[];
  expect(history.map(({ by, changes }) => [by, changes.name])).toEqual([
    ['erased', 'Present'],
    ['erased', 'erased'],
  ]);
  const [promotion] = JSON.parse((await ask('promotions', '/promotions')).text) as { id: string }[];
  const log = (await ask('promotions', `/promotions/${promotion?.id ?? ''}/log`)).text;
  expect(log).toContain('"by":"erased"');
  expect(log).not.toContain('shop');
  expect((await shop.change(id, { price: 2 })).version).toBe(3);
});
