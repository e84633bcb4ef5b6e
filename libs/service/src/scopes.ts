/** What an access token can allow: to read, to send commands, to operate (metrics). */
export type Scope = 'catalogue:read' | 'catalogue:write' | 'catalogue:ops';
