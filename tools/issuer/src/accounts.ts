/** The clients of the issuer that get tokens for themselves, and what each may do. */
export const clients: Readonly<Record<string, string>> = {
  promotions: 'catalogue:write',
  // For a person with curl.
  shop: 'catalogue:read catalogue:write catalogue:ops',
};

/** The users who can sign in on the page, and what each may do. */
export const users: Readonly<Record<string, string>> = {
  ada: 'catalogue:read catalogue:write',
  grace: 'catalogue:read',
};

/** The page's client id. */
export const pageClient = 'catalogue-page';
