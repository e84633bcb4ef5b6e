/**
 * Headers of every answer, unless its route sets others. An answer that a browser opens loads and runs nothing, is in
 * no frame, and is what its Content-Type says. `Strict-Transport-Security` is missing: the proxy that faces the
 * browsers decides about it.
 */
export const securityHeaders = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;
