import { describe, expect, test } from 'vitest';
import { dayMs, lineOf, onDay, strict } from '../../test/lines.ts';
import { priorPrice } from '../../test/prior-price.ts';
import { drawPrices, palette } from './prices-svg.ts';

const sale = lineOf([
  [onDay(-60), 10_000],
  [onDay(-20), 9_000],
  [onDay(-13), 10_000],
  [onDay(0), 8_000],
]);

function draw({ line = sale, name = 'Mouse', from = onDay(-60), to = onDay(10), rule = strict } = {}): string {
  return drawPrices({ name, periods: line.periods, from, to, prior: priorPrice(line, to, rule) });
}

/** The elements in order; throws unless the text is well-formed XML of elements, attributes and text. */
function elementsOf(svg: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  const pattern = /<(\/?)([a-z]+)((?: [\w:-]+="[^"<&]*")*)(\/?)>|([^<>&]|&(?:amp|lt|gt);)+/gy;
  let end = 0;
  for (let found = pattern.exec(svg); found !== null; found = pattern.exec(svg)) {
    end = pattern.lastIndex;
    const [, closing, name, , isEmpty] = found;
    if (name === undefined) continue;
    if (closing && open.pop() !== name) throw new Error(`</${name}> ends another element`);
    if (!closing) names.push(name);
    if (!closing && !isEmpty) open.push(name);
  }
  expect(svg.slice(end, end + 40)).toBe('');
  expect(open).toEqual([]);
  return names;
}

const textOf = (svg: string, element: string) => new RegExp(`<${element} [^>]*>([^<]*)<`).exec(svg)?.[1];
const pathOf = (svg: string) => / class="line"[^>]* d="([^"]*)"/.exec(svg)?.[1];

describe('the picture', () => {
  test('names the promotion whose command set the price, in words, too', () => {
    const line = { ...sale, periods: sale.periods.map((period) => ({ ...period, promotion: 'p<1>' })) };
    const svg = draw({ line });
    elementsOf(svg);
    expect(svg).toContain('>promotion p&lt;1&gt;<');
    expect(textOf(svg, 'desc')).toContain('The price is 80.00, of promotion p&lt;1&gt;.');
    expect(draw()).not.toContain('promotion');
  });

  test('is well-formed, and has a title and a description first', () => {
    expect(elementsOf(draw()).slice(0, 3)).toEqual(['svg', 'title', 'desc']);
    expect(draw()).toMatch(/^<svg [^>]*class="prices" role="img" aria-labelledby="title desc"/);
  });

  test('says in words what it shows', () => {
    expect(textOf(draw(), 'title')).toBe('Prices of Mouse');
    expect(textOf(draw(), 'desc')).toBe(
      'Prices from 2026-04-02 to 2026-06-11 (UTC): 100.00 from 2026-04-02, 90.00 from 2026-05-12, 100.00 from 2026-05-19, ' +
        '80.00 from 2026-06-01. The price is 80.00. The lowest price of the 30 days before 2026-06-01 is 90.00, applied from ' +
        '2026-05-12. The reduction from it is 11.1%.',
    );
  });

  test('draws the line in steps, the window and the prior price', () => {
    const svg = draw({ to: onDay(4) });
    // 10 a day, and 1.8 for a euro.
    expect(pathOf(svg)).toBe('M64 40H464V61.6H534V40H664V83.2H704');
    expect(svg).toContain('<rect class="window" x="364" y="40" width="300" height="216"');
    expect(svg).toMatch(/class="prior"[^>]*stroke-dasharray="6 4" d="M364 61.6H704"/);
    expect(svg).toContain('>prior price 90.00</text>');
    expect(svg).toContain('>price 80.00</text>');
    expect(svg).toContain('>30 days until 2026-06-01</text>');
  });

  test('has a gap where the product was not offered', () => {
    const line = lineOf([
      [onDay(-60), 10_000],
      [onDay(-40), null],
      [onDay(-20), 10_000],
    ]);
    expect(pathOf(draw({ line, to: onDay(4) }))).toBe('M64 40H264M464 40H704');
    expect(textOf(draw({ line, to: onDay(4) }), 'desc')).toContain(
      '100.00 from 2026-04-02 until 2026-04-22, 100.00 from',
    );
  });

  test('of a product that was never offered says so', () => {
    const svg = draw({ line: { periods: [], completeFrom: null } });
    expect(elementsOf(svg)).toContain('svg');
    expect(textOf(svg, 'desc')).toBe(
      'The product was not offered from 2026-04-02 to 2026-06-11 (UTC). The product is not offered.',
    );
    expect(svg).not.toContain('class="prior"');
  });

  test('says why a price is no reduction', () => {
    const why = (line: typeof sale, rules = strict.rules) => textOf(draw({ line, rule: { ...strict, rules } }), 'desc');
    expect(why(lineOf([[onDay(-60), 10_000]]))).toContain('The price is not lower than that, so it is no reduction.');
    expect(why(sale, ['perishables'])).toContain('The price is 80.00. The market has no prior price for these goods.');
    expect(why({ ...sale, completeFrom: null })).toContain('The price history is incomplete');
  });

  test.each(['<script>alert(1)</script>', 'A & B "C"', 'a\u0000b\ud800\uffff', ']]>', '&lt;'])(
    'is well-formed with the name %j',
    (name) => {
      const svg = draw({ name });
      expect(elementsOf(svg)).not.toContain('script');
      // oxlint-disable-next-line no-control-regex -- what XML cannot hold
      expect(svg).not.toMatch(/[\u0000-\u0008\ufffe\uffff]|\p{Surrogate}/u);
    },
  );

  test('needs nothing from outside and runs nothing', () => {
    expect(draw()).not.toMatch(/href|url\(|@import|<script|on\w+=/);
  });

  test('stays small with 100 000 changes, and shows their extremes', () => {
    const changes = Array.from({ length: 100_000 }, (_, index) => {
      const cents = index === 50_000 ? 100 : index === 70_000 ? 19_900 : 10_000 + (index % 7) * 100;
      return [onDay(-60) + index * 60_000, cents] as const;
    });
    const line = lineOf(changes);
    const svg = draw({ line });
    expect(svg.length).toBeLessThan(60_000);
    const heights = [...(pathOf(svg) ?? '').matchAll(/V([\d.]+)/g)].map(([, y]) => Number(y));
    expect(Math.max(...heights)).toBeGreaterThan(254);
    expect(Math.min(...heights)).toBeLessThan(42);
  });

  test('of prices of a few cents and of millions has readable axes', () => {
    for (const cents of [0, 1, 7, 99_999_999_999, Number.MAX_SAFE_INTEGER, -500]) {
      const svg = draw({
        line: lineOf([
          [onDay(-60), cents],
          [onDay(-30), cents + 1],
        ]),
      });
      const labels = [...svg.matchAll(/text-anchor="end">(-?\d+\.\d\d)</g)].map(([, label]) => label);
      expect(labels.length).toBeGreaterThan(1);
      expect(labels.length).toBeLessThan(9);
      expect(new Set(labels).size).toBe(labels.length);
      expect(svg).not.toMatch(/NaN|Infinity|undefined|e\+/);
    }
  });

  test('of a moment is a picture, too', () => {
    expect(elementsOf(draw({ from: onDay(0), to: onDay(0) + 1 }))).toContain('path');
    expect(elementsOf(draw({ from: onDay(5), to: onDay(5) }))).toContain('svg');
    expect(draw({ from: onDay(3), to: onDay(3) + dayMs / 2 })).not.toContain('NaN');
  });
});

/** WCAG's contrast ratio of two colours. */
function contrast(one: string, other: string): number {
  const luminance = (colour: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

test.each(Object.entries(palette))(
  'the colours of the %s picture can be read on its ground and its window',
  (_, colours) => {
    for (const ground of [colours.ground, colours.window]) {
      for (const text of [colours.muted, colours.line, colours.prior]) {
        expect(contrast(ground, text)).toBeGreaterThanOrEqual(4.5);
      }
    }
  },
);

test('the dark and the printed picture have their own colours, by the class of each element', () => {
  const svg = draw();
  const style = /<style>(.*)<\/style>/.exec(svg)?.[1] ?? '';
  expect(style).toMatch(/^@media \(prefers-color-scheme: dark\)\{.*\}@media print\{.*\}$/);
  const names = [...svg.matchAll(/<(?:rect|path|text) class="([\w -]+)"/g)].flatMap(([, name = '']) => name.split(' '));
  expect(names.length).toBeGreaterThan(10);
  for (const name of names) expect(style.split(`.prices .${name}{`)).toHaveLength(3);
});
