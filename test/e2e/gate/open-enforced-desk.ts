import { type DeskOptions, type EnforcedDesk, withEnforcedDesk } from './enforced-desk.ts';

/** A desk for several tests in turn; `leave` removes it. */
export function openEnforcedDesk(options: DeskOptions = {}): Promise<{ desk: EnforcedDesk; leave: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const whole = withEnforcedDesk(
      (desk) =>
        new Promise<void>((done) => {
          const leave = () => {
            done();
            return whole;
          };
          resolve({ desk, leave });
        }),
      options,
    );
    whole.catch(reject);
  });
}
