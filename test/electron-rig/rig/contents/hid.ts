import { cancelable } from '../loud.ts';
import { record } from '../record.ts';
import { fromBrowser, originOf } from '../schemes.ts';
import type { RigFrame } from '../web-frame.ts';
import type { RigContents } from './contents.ts';
import { passesCheck } from './permissions.ts';

type Filter = Readonly<Record<'vendorId' | 'productId' | 'usagePage' | 'usage', number | undefined>>;

export interface HidQuestion {
  url: string;
  /** Of `requestDevice`; without them it is `getDevices`. */
  filters?: readonly Filter[];
}

/** What the page gets: nobody but the app decides. */
export async function hidDevices(contents: RigContents, frame: RigFrame, { url, filters }: HidQuestion): Promise<readonly object[]> {
  const address = fromBrowser(url);
  if (!passesCheck(contents, frame, 'hid', undefined, address)) return [];
  const found = filters ? await chosen(contents, frame, filters) : known(contents, originOf(address));
  return found.map(({ name: productName, vendorId, productId, collections }) => ({
    productName,
    vendorId,
    productId,
    collections,
    opened: false,
  }));
}

function chosen(contents: RigContents, frame: RigFrame, filters: readonly Filter[]): Promise<Electron.HIDDevice[]> {
  const deviceList = record.hidDevices.filter((device) => filters.length === 0 || filters.some((filter) => fits(device, filter)));
  const event = cancelable({});
  return new Promise((resolve) => {
    const choose = (id?: string | null) => resolve(deviceList.filter(({ deviceId }) => deviceId === id));
    contents.session.emit('select-hid-device', event, { deviceList, frame }, choose);
    if (!event.defaultPrevented) resolve([]);
  });
}

function known(contents: RigContents, origin: string): Electron.HIDDevice[] {
  const may = contents.session.devicePermission;
  return may ? record.hidDevices.filter((device) => may({ deviceType: 'hid', origin, device })) : [];
}

function fits({ vendorId, productId, collections }: Electron.HIDDevice, filter: Filter): boolean {
  const isOf = (own: number, wanted: number | undefined) => wanted === undefined || own === wanted;
  return (
    isOf(vendorId, filter.vendorId) &&
    isOf(productId, filter.productId) &&
    collections.some(({ usagePage, usage }) => isOf(usagePage, filter.usagePage) && isOf(usage, filter.usage))
  );
}
