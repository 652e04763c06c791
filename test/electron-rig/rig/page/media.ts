/**
 * Tells which media elements play, attached to the document or not, and whether any of them can be heard.
 * Silence counts as sound: only Chromium itself measures loudness.
 */
export function mediaInPage(tell: (message: object) => void): void {
  const known = new WeakSet<HTMLMediaElement>();
  const playing = new Set<HTMLMediaElement>();
  const contexts = new Set<AudioContext>();
  // Tracks that go silent and bytes that arrive have no event of their own.
  const POLL_MS = 100;
  let audibleBefore = false;
  let timer: ReturnType<typeof setInterval> | undefined;

  const isAudible = (element: HTMLMediaElement) => {
    if (element.muted || element.volume === 0) return false;
    const stream = element.srcObject;
    if (stream instanceof MediaStream) {
      return stream.getAudioTracks().some((track) => track.enabled && !track.muted && track.readyState === 'live');
    }
    return Number(Reflect.get(element, 'webkitAudioDecodedByteCount')) > 0;
  };
  const look = () => {
    for (const context of contexts) if (context.state === 'closed') contexts.delete(context);
    const audible = [...playing].some(isAudible) || [...contexts].some((context) => context.state === 'running');
    if (audible !== audibleBefore) tell({ kind: 'audible', audible });
    audibleBefore = audible;
    if (playing.size === 0 && contexts.size === 0) {
      clearInterval(timer);
      timer = undefined;
    } else timer ??= setInterval(look, POLL_MS);
  };
  const started = (element: HTMLMediaElement) => {
    if (playing.has(element)) return;
    playing.add(element);
    tell({ kind: 'media', playing: true });
    look();
  };
  const stopped = (element: HTMLMediaElement) => {
    if (!playing.delete(element)) return;
    tell({ kind: 'media', playing: false });
    look();
  };
  const watch = (element: HTMLMediaElement) => {
    if (known.has(element)) return;
    known.add(element);
    element.addEventListener('playing', () => started(element));
    element.addEventListener('volumechange', look);
    for (const end of ['pause', 'ended', 'emptied', 'error']) element.addEventListener(end, () => stopped(element));
  };
  // Elements of the document, made by whatever means.
  for (const type of ['playing', 'play', 'loadstart', 'volumechange']) {
    document.addEventListener(
      type,
      ({ target }) => {
        if (!(target instanceof HTMLMediaElement)) return;
        watch(target);
        if (type === 'playing') started(target);
      },
      true,
    );
  }
  // Elements that are never put into the document cannot play before one of these was used.
  const media = HTMLMediaElement.prototype;
  const { play } = media;
  media.play = function (this: HTMLMediaElement) {
    watch(this);
    return play.call(this);
  };
  for (const name of ['src', 'srcObject', 'autoplay'] as const) {
    const property = Object.getOwnPropertyDescriptor(media, name);
    if (!property?.set) continue;
    const { set } = property;
    Object.defineProperty(media, name, {
      ...property,
      set(this: HTMLMediaElement, value: unknown) {
        watch(this);
        set.call(this, value);
      },
    });
  }
  const { connect } = AudioNode.prototype;
  AudioNode.prototype.connect = function (this: AudioNode, ...args: unknown[]) {
    const [destination] = args;
    if (destination instanceof AudioDestinationNode && this.context instanceof AudioContext) {
      contexts.add(this.context);
      look();
    }
    return Reflect.apply(connect, this, args);
  } as typeof connect;
}
