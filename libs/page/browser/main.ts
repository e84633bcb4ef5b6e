import { Catalogue, type StreamEvent } from '@catalogue/client';
import { Account } from './account.ts';
import { Editor } from './editor.ts';
import { find, setText } from './elements.ts';
import { Filter } from './filter.ts';
import { Lag } from './lag.ts';
import { LiveList } from './live-list.ts';
import { usableLocale } from './locale.ts';
import { indication, PriorPrices } from './prior-prices.ts';
import { PromotionSection } from './promotion-section.ts';
import { Results } from './results.ts';
import { showRights } from './rights.ts';
import { Rows } from './rows.ts';
import { Session, type SignInSettings } from './session.ts';
import { followStream } from './shared-stream.ts';
import { Shortcuts } from './shortcuts.ts';
import { StatusBar } from './status-bar.ts';

const commandApi = meta('command-api');
const locale = usableLocale([navigator.language, ...navigator.languages]);
const prices = meta('prices');
const signIn = meta('sign-in');
// Before the filter reads the page's address: the issuer's answer is in it.
const session =
  signIn === ''
    ? undefined
    : new Session({
        settings: JSON.parse(signIn) as SignInSettings,
        changed: sessionChanged,
        mayLeave: () => document.querySelector('dialog[open]') === null,
      });
const caller = session === undefined ? {} : { token: () => session.token(), fetch: session.fetch };
const catalogue = new Catalogue({
  ...caller,
  commands: commandApi,
  queries: '',
  prices: prices === '' ? undefined : prices,
  timeout: 8_000,
});
/** Milliseconds. */
const patienceMs = 2_000;
const lag = new Lag();
let isLive = false;
let wasLost = false;

// First, so that the page builds the rest while the answer is on its way.
const live = new LiveList({
  catalogue,
  changed: (fresh) => draw(fresh),
  failed: showFailure,
  isHidden: () => document.hidden,
});
const results = new Results(say);
const filter = new Filter(locale, (query) => {
  results.asked();
  live.show(query);
});
live.show(filter.query() ?? {});

const promotions = meta('promotions');
const promoting =
  promotions === ''
    ? undefined
    : new PromotionSection({
        address: promotions,
        catalogue,
        caller,
        locale,
        shown: () => live.list.products,
        // As typed: the list follows a moment later.
        query: () => filter.query() ?? live.query,
        say,
        notSaved: showUnsaved,
      });
const rows = new Rows(find('rows', HTMLElement), locale, (product) => editor.open(product), promoting?.selection);
const priorPrices = new PriorPrices(prices === '' ? undefined : catalogue, tellPriorPrices);
const status = new StatusBar(commandApi, lag);
const editor = new Editor({
  catalogue,
  locale,
  promotionName: (id) => promoting?.nameOf(id),
  prices,
  loadPicture: session === undefined ? undefined : (address, signal) => session.picture(address, signal),
  saved: (receipt, sentence) => {
    say(sentence);
    lag.expect(receipt, Date.now());
    // Without the stream nothing else would show the write; the query waits for it.
    if (isLive) live.hurry();
    else live.reload();
  },
  notSaved: showUnsaved,
});
const account = session === undefined ? undefined : new Account(session);
let stopFollowing = () => {};
if (session === undefined) follow();

const more = find('more', HTMLButtonElement);
more.addEventListener('click', () => void live.more());
const reached = new IntersectionObserver((entries) => {
  if (entries.some(({ isIntersecting }) => isIntersecting)) void live.more();
});
const create = find('new', HTMLButtonElement);
create.addEventListener('click', () => editor.open(undefined));
const schedule = find('schedule-open', HTMLButtonElement);
new Shortcuts([
  { key: '/', control: find('search', HTMLInputElement), act: () => filter.focus() },
  { key: 'n', control: create, act: () => create.click() },
  ...(promoting === undefined ? [] : [{ key: 'p', control: schedule, act: () => schedule.click() }]),
]);
document.addEventListener('visibilitychange', () => document.hidden || live.seen());

function meta(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? '';
}

function follow(): void {
  const heardState = session === undefined ? stateChanged : patiently(stateChanged);
  stopFollowing = followStream({
    catalogue,
    workerUrl: meta('stream-worker'),
    session,
    hear,
    stateChanged: heardState,
  });
}

/** The stream ends with its token, and goes on at once with the next one: that is no loss. */
function patiently(tell: (state: 'live' | 'lost') => void): (state: 'live' | 'lost') => void {
  let timer = 0;
  return (state) => {
    clearTimeout(timer);
    if (state === 'live') tell(state);
    else timer = window.setTimeout(() => session?.subject !== undefined && tell(state), patienceMs);
  };
}

/** Called once at the start, and again if the session ends. */
function sessionChanged(now: Session): void {
  const isSignedIn = now.subject !== undefined;
  const hasList = live.list.products.length > 0;
  account?.show(now, hasList);
  showRights(now.scopes, isSignedIn);
  stopFollowing();
  if (now.scopes.has('catalogue:read')) follow();
  else status.showUnconnected();
  const list = find('products', HTMLElement);
  list.hidden = !isSignedIn && !hasList;
  list.setAttribute('aria-busy', 'false');
  if (promoting !== undefined) find('promotions', HTMLElement).hidden = list.hidden;
}

function stateChanged(state: 'live' | 'lost'): void {
  isLive = state === 'live';
  status.showStream(state);
  if (wasLost && isLive) say('Connected again, and up to date.');
  wasLost = !isLive;
}

function hear(event: StreamEvent): void {
  if (event.type === 'reset') lag.forget();
  else lag.seen(event.product, Date.now());
  live.hear(event);
  if (event.type === 'product.discontinued') promoting?.selection.drop(event.product.id);
}

let drawing = 0;
let freshly = false;
let isAnswer = false;

/** Draws at most once per frame, however many changes arrive. */
function draw(fresh: boolean): void {
  freshly ||= fresh;
  isAnswer ||= !fresh;
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    const { products, next } = live.list;
    rows.show(products, freshly);
    tellPriorPrices();
    priorPrices.want(products);
    promoting?.showSelection();
    freshly = false;
    find('products', HTMLElement).setAttribute('aria-busy', 'false');
    more.hidden = next === undefined;
    // Observed anew, it also fires if the end of the list is still in sight.
    reached.unobserve(more);
    reached.observe(more);
    results.show(live.list, live.query, isAnswer);
    isAnswer = false;
    status.showLag();
  });
}

function tellPriorPrices(): void {
  rows.tell((product) => indication(priorPrices.of(product), locale));
}

function showFailure(why: string): void {
  const notice = find('notice', HTMLElement);
  setText(notice, why);
  notice.hidden = why === '';
}

/** Shows that a command failed after its dialog was closed; an empty text hides the notice. */
function showUnsaved(why: string): void {
  const notice = find('unsaved', HTMLElement);
  setText(notice, why);
  notice.hidden = why === '';
}

/** Tells screen readers. */
function say(sentence: string): void {
  setText(find('said', HTMLElement), sentence);
}
