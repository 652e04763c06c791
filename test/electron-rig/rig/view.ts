export type View = Pick<Electron.View, 'setBounds' | 'getBounds' | 'setVisible' | 'getVisible' | 'setBackgroundColor'> & {
  addChildView(view: View, index?: number): void;
  removeChildView(view: View): void;
};

/** A model: the rig composes nothing on a screen. */
export class RigView implements View {
  #bounds: Electron.Rectangle = { x: 0, y: 0, width: 0, height: 0 };
  #visible = true;
  #children: View[] = [];

  setBounds(bounds: Electron.Rectangle): void {
    this.#bounds = bounds;
  }

  getBounds(): Electron.Rectangle {
    return this.#bounds;
  }

  setVisible(visible: boolean): void {
    this.#visible = visible;
  }

  getVisible(): boolean {
    return this.#visible;
  }

  addChildView(view: View): void {
    this.#children = [...this.#children.filter((child) => child !== view), view];
  }

  removeChildView(view: View): void {
    this.#children = this.#children.filter((child) => child !== view);
  }

  get children(): View[] {
    return this.#children;
  }

  setBackgroundColor(_color: string): void {}
}
