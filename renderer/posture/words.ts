import { createContext, useContext } from 'react';
import { type Texts, textsFor } from '../../checks/texts/lookup.ts';
import { type TimeWords, timeWords } from './model/time-words.ts';

export interface Words {
  texts: Texts;
  time: TimeWords;
}

export const WordsContext = createContext<Words>({ texts: textsFor('en'), time: timeWords('en') });

export function useWords(): Words {
  return useContext(WordsContext);
}
