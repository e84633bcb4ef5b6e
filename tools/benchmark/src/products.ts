import { createHash } from 'node:crypto';
import type { OutgoingMessage } from '@catalogue/kafka';

const things = ['Mouse', 'Keyboard', 'Monitor', 'Cable', 'Lamp', 'Chair', 'Desk', 'Printer', 'Scanner', 'Camera'];
const heads = ['ba', 'ke', 'li', 'mo', 'nu', 'pra', 'ste', 'tri', 'vo', 'zu', 'ca', 'de', 'fi', 'go', 'hu', 'ja'];
const middles = ['ran', 'lek', 'mis', 'tor', 'dun', 'bor', 'nex', 'lam', 'ric', 'tov', 'sil', 'gan', 'pel'];
const ends = ['a', 'e', 'io', 'us', 'ex', 'on', 'is', 'um'];
const qualities = ['ergonomico', 'wireless', 'café', 'compact', 'deluxe', 'économique', 'pro', 'mini', 'portable'];

/** Names in scripts without spaces, and with signs: one product in twenty each. */
const others = [
  ['联想笔记本电脑', '华为无线鼠标', '小米机械键盘', '戴尔显示器', '佳能打印机', '飞利浦台灯', '索尼蓝牙耳机'],
  ['ノートパソコン', 'ワイヤレスマウス', 'キーボード', 'モニター', 'ケーブル', 'プリンター'],
  ['무선 마우스', '키보드', '모니터', '노트북 컴퓨터', '책상', '의자'],
  ['ลำโพงบลูทูธ', 'เมาส์ไร้สาย', 'คีย์บอร์ด', 'โคมไฟ', 'เก้าอี้'],
  ['Learn C++', 'Learn C#', '.NET, step by step', 'USB-C cable', '100% cotton', 'C compiler'],
];

/** The name of the nth product: a few words are very common, most are rare. */
export function nameOf(n: number): string {
  const other = others[(n % 20) - 11];
  if (other !== undefined) return `${pick(other, n, 9)} ${made(n, 4, 1_600)} ${n}`;
  const thing = n % 5 === 0 ? pick(things, n, 1) : made(n, 2, 300);
  return `${thing} ${made(n, 4, 1_600)} ${pick(qualities, n, 7)} ${n}`;
}

/** In cents. */
const priceOf = (n: number) => mix(n, 8) % 100_000;

/** The event that creates the nth product. */
export function messageOf(n: number): OutgoingMessage {
  const id = idOf(n);
  const event = {
    id: idOf(n + 1_000_000_000),
    type: 'ProductCreated',
    schemaVersion: 1,
    productVersion: 1,
    payload: { id, name: nameOf(n), price: priceOf(n) / 100 },
    timestamp: new Date(1_790_000_000_000 + n).toISOString(),
    correlationId: id,
    causationId: id,
  };
  return { key: id, value: Buffer.from(JSON.stringify(event)), headers: {} };
}

/** The event that changes the price of the nth product. */
export function priceChangeOf(n: number, version: number): OutgoingMessage {
  const id = idOf(n);
  const event = {
    id: `${id} ${version}`,
    type: 'ProductUpdated',
    schemaVersion: 1,
    productVersion: version,
    payload: { id, price: ((priceOf(n) + version) % 100_000) / 100 },
    timestamp: new Date(1_790_000_000_000 + n + version).toISOString(),
    correlationId: id,
    causationId: id,
  };
  return { key: id, value: Buffer.from(JSON.stringify(event)), headers: {} };
}

/** One of this many invented words. */
function made(n: number, salt: number, words: number): string {
  const word = mix(n, salt) % words;
  const text = `${pick(heads, word, 11)}${pick(middles, word, 12)}${pick(ends, word, 13)}`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function pick(words: readonly string[], n: number, salt: number): string {
  return words[mix(n, salt) % words.length] ?? '';
}

/** Deterministic, and otherwise as good as random (the finalizer of MurmurHash3). */
function mix(n: number, salt: number): number {
  let hash = Math.imul(n + 1, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function idOf(n: number): string {
  const hex = createHash('md5').update(String(n)).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
