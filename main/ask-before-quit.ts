export interface QuitPorts {
  isOnCall(): boolean;
  /** Whether a call in the CCP's window may be ended for it; the answer may come late. */
  confirmQuit(): Promise<boolean>;
  quit(): void;
}

/** Gives whether the app may end now, whoever asked for it. Where a call would end with it its user is asked first. */
export function askBeforeQuit({ isOnCall, confirmQuit, quit }: QuitPorts): () => boolean {
  let isSure = false;
  let isAsking = false;
  const answered = (isAccepted: boolean) => {
    isAsking = false;
    if (!isAccepted) return;
    isSure = true;
    quit();
  };
  return () => {
    if (isSure || !isOnCall()) return true;
    if (!isAsking) void confirmQuit().then(answered, () => answered(false));
    isAsking = true;
    return false;
  };
}
