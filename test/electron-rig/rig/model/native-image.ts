import { existsSync, readFileSync } from 'node:fs';
import { loud } from '../loud.ts';

export type NativeImage = Pick<
  Electron.NativeImage,
  'toPNG' | 'isEmpty' | 'getSize' | 'toDataURL' | 'setTemplateImage' | 'addRepresentation'
> & {
  resize(options: Electron.ResizeOptions): NativeImage;
};

// Width and height are the first of a PNG's header.
const PNG_WIDTH_AT = 16;
const PNG_HEIGHT_AT = 20;

/** The bytes of a PNG, unchanged by whatever is asked of it. */
export function imageOf(png: Buffer): NativeImage {
  const size =
    png.length > PNG_HEIGHT_AT + 4
      ? { width: png.readUInt32BE(PNG_WIDTH_AT), height: png.readUInt32BE(PNG_HEIGHT_AT) }
      : { width: 0, height: 0 };
  return loud('nativeImage (image)', {
    toPNG: () => png,
    isEmpty: () => png.length === 0,
    getSize: () => size,
    toDataURL: () => `data:image/png;base64,${png.toString('base64')}`,
    resize: () => imageOf(png),
    setTemplateImage: () => {},
    addRepresentation: () => {},
  });
}

export const nativeImage = loud('nativeImage', {
  createFromPath: (file: string) => imageOf(existsSync(file) ? readFileSync(file) : Buffer.alloc(0)),
  createFromBuffer: (bytes: Buffer, _options?: Electron.CreateFromBufferOptions) => imageOf(bytes),
  createFromDataURL: (url: string) => imageOf(Buffer.from(url.slice(url.indexOf(',') + 1), 'base64')),
  createEmpty: () => imageOf(Buffer.alloc(0)),
});
