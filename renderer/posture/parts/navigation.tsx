import { LocaleChoice } from '../../../contracts/ipc.ts';
import { type ViewName, viewNames } from '../model/place.ts';
import { useWords } from '../words.ts';
import { Icon } from './icon.tsx';

/** Each language by its own name: who cannot read the page must still find his own. */
const ownNames: Readonly<Record<Exclude<LocaleChoice, 'auto'>, string>> = {
  en: 'English',
  'zh-TW': '繁體中文',
  'zh-CN': '简体中文',
  ko: '한국어',
};

interface Props {
  current: ViewName;
  go: (name: ViewName) => void;
  /** Null while nothing is known yet. */
  choice: LocaleChoice | null;
  setLocale: (choice: LocaleChoice) => void;
}

export function Navigation({ current, go, choice, setLocale }: Props) {
  const { ui } = useWords().texts;
  return (
    <header className="side">
      <nav aria-label={ui('app.nav')}>
        <ul>
          {viewNames.map((name) => (
            <li key={name}>
              <button type="button" className="place" aria-current={name === current ? 'page' : undefined} onClick={() => go(name)}>
                <Icon name={name} />
                <span>{ui(`app.nav.${name}`)}</span>
              </button>
            </li>
          ))}
        </ul>
      </nav>
      {choice !== null && (
        <label className="language">
          <span>{ui('app.language')}</span>
          <select value={choice} onChange={(event) => setLocale(LocaleChoice.parse(event.target.value))}>
            {LocaleChoice.options.map((option) => (
              <option key={option} value={option} lang={option === 'auto' ? undefined : option}>
                {option === 'auto' ? ui('app.language.auto') : ownNames[option]}
              </option>
            ))}
          </select>
        </label>
      )}
    </header>
  );
}
