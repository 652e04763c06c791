import type { RigContents } from './contents.ts';

export interface MediaState {
  /** A media element of one of the page's documents began or ended to play. */
  playing(document: string, began: boolean): void;
  audible(document: string, audible: boolean): void;
  /** The document is gone, and its media with it. */
  documentGone(document: string): void;
  reset(): void;
  isAudible(): boolean;
}

/** Adds up what the documents of all frames tell (page/media.ts). A document is known by its session and execution context. */
export function mediaState(contents: RigContents): MediaState {
  const players = new Map<string, number>();
  const sounding = new Set<string>();
  let audibleBefore = false;

  const tellAudible = () => {
    const audible = sounding.size > 0;
    if (audible === audibleBefore) return;
    audibleBefore = audible;
    contents.emit('audio-state-changed', { audible });
  };
  const documentGone = (document: string) => {
    const left = players.get(document) ?? 0;
    players.delete(document);
    sounding.delete(document);
    for (let index = 0; index < left; index += 1) contents.emit('media-paused');
    tellAudible();
  };
  return {
    playing: (document, began) => {
      players.set(document, Math.max(0, (players.get(document) ?? 0) + (began ? 1 : -1)));
      contents.emit(began ? 'media-started-playing' : 'media-paused');
    },
    audible: (document, audible) => {
      if (audible) sounding.add(document);
      else sounding.delete(document);
      tellAudible();
    },
    documentGone,
    reset: () => {
      for (const document of new Set([...players.keys(), ...sounding])) documentGone(document);
    },
    isAudible: () => sounding.size > 0,
  };
}
