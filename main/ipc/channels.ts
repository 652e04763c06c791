/** Two channels carry everything; the call's or event's name is the first thing on them. */
export const CALL_CHANNEL = 'deskwarden:call';
export const EVENT_CHANNEL = 'deskwarden:event';
