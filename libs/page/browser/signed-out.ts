/** There is no access token: the user is signed out, or the issuer gives no new one. */
export class SignedOut extends Error {
  override readonly name = 'SignedOut';
}
