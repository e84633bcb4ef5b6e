import { expect, test } from 'vitest';
import { type Plot, svgOf } from './plot.ts';

const plot: Plot = {
  name: 'latency',
  title: 'Latency & rate',
  x: 'offered a second',
  y: 'ms',
  lines: [
    {
      name: 'p50',
      points: [
        [0, 0],
        [500, 5],
        [1_000, 10],
      ],
    }, // prettier-ignore
    {
      name: 'p99',
      points: [
        [0, 10],
        [1_000, 100],
      ],
    }, // prettier-ignore
  ],
};

const pathsOf = (svg: string) =>
  [...svg.matchAll(/<path class="line" stroke="[^"]+" d="(M[^h]+)"\/>/g)].map(([, path]) => path);

test('a line goes from the lower left to where its values are', () => {
  expect(pathsOf(svgOf(plot))).toEqual(['M64 312L322 298.4L580 284.8', 'M64 284.8L580 40']);
});

test('with a logarithmic axis, decades have the same height, and a value of 0 is left out', () => {
  expect(pathsOf(svgOf({ ...plot, logarithmic: true }))).toEqual(['M322 216.9L580 176', 'M64 176L580 40']);
});

test('ticks are round numbers', () => {
  const labels = [...svgOf(plot).matchAll(/text-anchor="middle">([\d.]+)</g)].map(([, label]) => label);
  expect(labels).toEqual(['0', '100', '200', '300', '400', '500', '600', '700', '800', '900', '1000']);
});

test('texts are escaped, and a plot without points is a valid picture', () => {
  expect(svgOf(plot)).toContain('<title>Latency &amp; rate</title>');
  expect(svgOf({ ...plot, lines: [{ name: 'p50', points: [] }] })).not.toMatch(/NaN|Infinity/);
});
