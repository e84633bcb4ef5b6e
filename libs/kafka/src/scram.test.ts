import { expect, test } from 'vitest';
import { Scram } from './scram.ts';

// The example of RFC 7677, 3.
const nonce = 'rOprNGfwEbeRWgbNEkqO';
const challenge = `r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;
const newExchange = () => new Scram('SCRAM-SHA-256', 'user', 'pencil', nonce);

test('the messages of an exchange are those of RFC 7677', () => {
  const scram = newExchange();
  expect(scram.first()).toBe(`n,,n=user,r=${nonce}`);
  expect(scram.final(challenge)).toBe(
    `c=biws,r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`,
  );
  expect(() => scram.verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')).not.toThrow();
});

test('a user name with a comma or an equals sign cannot add attributes', () => {
  expect(new Scram('SCRAM-SHA-512', 'a,r=b', 'secret', nonce).first()).toBe(`n,,n=a=2Cr=3Db,r=${nonce}`);
});

test.each(['v=AAAA', 'v=', '', 'e=invalid-proof'])(
  'a server that does not prove that it knows the password is refused (%s)',
  (outcome) => {
    const scram = newExchange();
    scram.final(challenge);
    expect(() => scram.verify(outcome)).toThrow('did not prove');
  },
);

test.each([
  challenge.replace(nonce, 'other'),
  `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
  challenge.replace('4096', '2000000000'),
  challenge.replace('4096', '0'),
  '',
])('a challenge that is malformed, or of another exchange, is not answered (%s)', (wrong) => {
  expect(() => newExchange().final(wrong)).toThrow('no valid SCRAM challenge');
});
