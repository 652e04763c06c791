/** ESC followed by a control sequence (CSI), a string (OSC, DCS, SOS, PM, APC) or one character; C1 forms too. */
const ESCAPES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]?/g;

const SPACES = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;

/** C0, DEL, C1, the bidirectional controls, invisible joiners and the byte order mark. */
const UNSEEN = /[\p{Cc}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/gu;

/** One line that is safe to show: what a stranger wrote (an issuer, a header) cannot move the cursor or reorder the line. */
export function cleanText(text: string): string {
  return text
    .replace(ESCAPES, '')
    .replace(SPACES, ' ')
    .replace(UNSEEN, '')
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .trim();
}

const UNSAFE_IN_JSON = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** JSON whose strings hold no character that a terminal obeys; it parses to the same value. */
export function safeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNSAFE_IN_JSON, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
