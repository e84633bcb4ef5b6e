import { search } from './reads.ts';

// Words of products.ts: common ones, rare ones, and one that no name has.
const words = ['mouse', 'keyboard', 'cable', 'printer', 'ergonomico', 'wireless', 'cafe', 'economique', 'kelekus'];
const rare = ['baranon', 'trimisex', 'zugana', 'moborio', 'steric', '123456', '99999', 'fisil', 'jatovum', 'deluxe'];
const parts = [...words, ...rare].flatMap((word) => [word, word.slice(0, 3), word.slice(1, 4), word.slice(-4)]);
const misspelt = [
  'mouze',
  'muose',
  'keybord',
  'kyeboard',
  'camra',
  'prnter',
  'ergonmico',
  'wireles',
  'ecnomique',
  'moniter',
];
const beginnings = ['mo', 'ke', 'ba', 'zu', 'tr', 'er', 'wi', 'ca', 'ec', '12', '99', 'de', 'go', 'pr', 'st'];
const short = [
  '电脑',
  '电',
  '鼠',
  '键盘',
  'マウス',
  'パソ',
  'ン',
  '노트',
  '책',
  '드',
  'เมา',
  'ฟ',
  'ลำ',
  '华为 鼠标',
  '麒麟',
  '鬱',
];
const signed = ['C++', 'c#', '.net', 'usb-c', '100%', '++', '#', '%', 'learn c++', 'compiler c', 'c++ 99', '-', '😀'];
const ranges = ['minPrice=10&maxPrice=11', 'minPrice=100&maxPrice=200', 'maxPrice=1', 'minPrice=999'];

const q = (text: string) => `q=${encodeURIComponent(text)}`;

export const searches = [
  search('part', 'part of a word, three letters or more', [
    ...parts.map(q),
    ...parts.map((part) => `${q(part)}&sort=name`),
  ]),
  search('misspelt', 'a misspelt word', [...misspelt.map(q), ...misspelt.map((word) => `${q(word)}&sort=-price`)]),
  search(
    'word-price',
    'a word in a range of prices',
    [...words, ...rare].flatMap((word) => ranges.map((range) => `${q(word)}&${range}`)),
    20,
  ),
  search('beginning', 'two letters that begin a word', [
    ...beginnings.map(q),
    ...beginnings.map((two) => `${q(two)}&sort=price`),
  ]),
  search('short', 'one or two characters of a script without spaces', [
    ...short.map(q),
    ...short.map((word) => `${q(word)}&sort=price`),
  ]),
  search(
    'short-price',
    'the same in a range of prices',
    short.map((word) => `${q(word)}&minPrice=100&maxPrice=200`),
  ),
  search('signs', 'a word with signs', [...signed.map(q), ...signed.map((text) => `${q(text)}&sort=-name`)]),
];
