import type { PriorPrice } from '../line/assessment.ts';
import { isAfter, type Period } from '../line/period.ts';
import { dateIn } from './dates.ts';
import { linePath } from './line-path.ts';
import { money } from './money.ts';
import { scale, ticks } from './scale.ts';
import { describeLine, describePrior } from './words.ts';

/** The content of a picture. */
export interface Picture {
  /** The name of the product in the title. */
  name: string;
  periods: readonly Period[];
  /** The time that is shown, in milliseconds since 1970. */
  from: number;
  to: number;
  /** The prior price at its end. */
  prior: PriorPrice;
}

const size = { width: 720, height: 300 };
const plot = { left: 64, right: 704, top: 40, bottom: 256 };

/** Readable on both grounds: text has a contrast of 4.5 and more, lines of 3 and more (WCAG 2.2, 1.4.3 and 1.4.11). */
export const palette = {
  light: { ground: '#ffffff', muted: '#57606a', line: '#0550ae', prior: '#a40e26', window: '#ddf0ff' },
  dark: { ground: '#14171c', muted: '#a3acb8', line: '#79b8ff', prior: '#ff9492', window: '#1c3350' },
  /** In print colours may be missing: dashes and labels tell the lines apart. */
  print: { ground: '#ffffff', muted: '#333333', line: '#000000', prior: '#000000', window: '#e8e8e8' },
};
type Colour = keyof typeof palette.light;

/**
 * Draws a price line, the window of its prior price and the prior price. Prices begin at 0, so that a reduction looks
 * as large as it is. The title and the description say the same in words. Loads no other resource, and has no script.
 */
export function drawPrices(picture: Picture): string {
  const { name, periods, from, to, prior } = picture;
  const shown = periods.filter((period) => period.from < to && isAfter(period.to, from));
  const prices = [...shown.map(({ cents }) => cents), prior.prior ?? 0, 0];
  const steps = ticks(lowestOf(prices), highestOf(prices), 4);
  const x = scale([from, to], [plot.left, plot.right]);
  const y = scale([steps[0] ?? 0, steps.at(-1) ?? 1], [plot.bottom, plot.top]);
  const { zone } = prior.rule;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" class="prices" role="img" aria-labelledby="title desc"`,
    ` font-family="system-ui, sans-serif" font-size="12">`,
    `<title id="title">${escaped(`Prices of ${name}`)}</title>`,
    `<desc id="desc">${escaped(`${describeLine(shown, from, to, zone)} ${describePrior(prior)}`)}</desc>`,
    `<style>${styles()}</style>`,
    `<rect class="ground" width="100%" height="100%" fill="${palette.light.ground}"/>`,
    windowOf(picture, x),
    ...steps.map((cents) => priceTick(cents, y(cents))),
    ...dateTicks(from, to, zone).map((at) => dateTick(at, x(at), zone)),
    `<path class="line" fill="none" stroke="${palette.light.line}" stroke-width="2" d="${linePath(shown, { from, to, x, y })}"/>`,
    priorLine(picture, x, y),
    priceLabel(picture, y),
    promotionLabel(picture),
    '</svg>',
  ].join('');
}

/** Styles that affect only the picture, which may be part of a page. */
function styles(): string {
  const fills: Record<string, Colour> = {
    ground: 'ground',
    window: 'window',
    muted: 'muted',
    'price-text': 'line',
    'prior-text': 'prior',
  };
  const strokes: Record<string, Colour> = { line: 'line', prior: 'prior', grid: 'muted', halo: 'ground' };
  const rulesOf = (colours: Record<Colour, string>) =>
    [
      ...Object.entries(fills).map(([name, colour]) => `.prices .${name}{fill:${colours[colour]}}`),
      ...Object.entries(strokes).map(([name, colour]) => `.prices .${name}{stroke:${colours[colour]}}`),
    ].join('');
  return `@media (prefers-color-scheme: dark){${rulesOf(palette.dark)}}@media print{${rulesOf(palette.print)}}`;
}

/** A text with a rim in the colour of the ground, so that it can be read across a line. */
function text(content: string, attributes: string, colour: Colour, name: string = colour): string {
  const { [colour]: fill, ground } = palette.light;
  const rim = `stroke="${ground}" stroke-width="3" stroke-linejoin="round" paint-order="stroke"`;
  return `<text class="halo ${name}" fill="${fill}" ${rim} ${attributes}>${escaped(content)}</text>`;
}

function windowOf({ from, to, prior }: Picture, x: (at: number) => number): string {
  const [start, end] = [Math.max(prior.windowFrom, from), Math.min(prior.windowTo, to)];
  if (prior.prior === null || start >= end) return '';
  const [left, right] = [x(start), x(end)];
  const middle = Math.min(Math.max((left + right) / 2, plot.left + 110), plot.right - 110);
  const { zone, windowDays } = prior.rule;
  const label = `${windowDays} days until ${dateIn(zone, prior.windowTo)}`;
  return (
    `<rect class="window" x="${left}" y="${plot.top}" width="${Math.round((right - left) * 10) / 10}" ` +
    `height="${plot.bottom - plot.top}" fill="${palette.light.window}"/>` +
    text(label, `x="${middle}" y="${plot.bottom - 8}" text-anchor="middle"`, 'muted')
  );
}

function priceTick(cents: number, y: number): string {
  const line = `<path class="grid" stroke="${palette.light.muted}" stroke-width="0.5" opacity="0.5" d="M${plot.left} ${y}H${plot.right}"/>`;
  return line + text(money(cents), `x="${plot.left - 8}" y="${y + 4}" text-anchor="end"`, 'muted');
}

function dateTick(at: number, x: number, zone: string): string {
  const anchor = x < plot.left + 40 ? 'start' : x > plot.right - 40 ? 'end' : 'middle';
  return text(dateIn(zone, at), `x="${x}" y="${plot.bottom + 20}" text-anchor="${anchor}"`, 'muted');
}

function priorLine({ from, to, prior }: Picture, x: (at: number) => number, y: (cents: number) => number): string {
  if (prior.prior === null) return '';
  const at = y(prior.prior);
  const left = x(Math.max(prior.windowFrom, from));
  // Away from the label of the price.
  const below = prior.price !== null && prior.price >= prior.prior;
  return (
    `<path class="prior" fill="none" stroke="${palette.light.prior}" stroke-width="1.5" stroke-dasharray="6 4" ` +
    `d="M${left} ${at}H${x(to)}"/>` +
    text(
      `prior price ${money(prior.prior)}`,
      `x="${plot.right}" y="${at + (below ? 16 : -6)}" text-anchor="end"`,
      'prior',
      'prior-text',
    )
  );
}

function priceLabel({ prior }: Picture, y: (cents: number) => number): string {
  if (prior.price === null) return '';
  const above = prior.prior === null || prior.price >= prior.prior;
  const attributes = `x="${plot.right}" y="${y(prior.price) + (above ? -6 : 16)}" text-anchor="end" font-weight="600"`;
  return text(`price ${money(prior.price)}`, attributes, 'line', 'price-text');
}

function promotionLabel({ prior }: Picture): string {
  if (prior.promotion === null) return '';
  return text(
    `promotion ${prior.promotion}`,
    `x="${plot.right}" y="${plot.top - 16}" text-anchor="end"`,
    'line',
    'price-text',
  );
}

/** Five instants, the first and the last among them. */
function dateTicks(from: number, to: number, zone: string): number[] {
  const all = Array.from({ length: 5 }, (_, index) => from + ((to - from) * index) / 4);
  return all.filter((at, index) => index === 0 || dateIn(zone, at) !== dateIn(zone, all[index - 1] ?? at));
}

const lowestOf = (numbers: readonly number[]) => numbers.reduce((a, b) => Math.min(a, b));
const highestOf = (numbers: readonly number[]) => numbers.reduce((a, b) => Math.max(a, b));

/** As the text of an XML element: names of older producers can hold anything. */
function escaped(content: string): string {
  return content
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
