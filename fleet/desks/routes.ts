import { Readable } from 'node:stream';
import { z } from 'zod';
import {
  DeskAnswer,
  DeskParams,
  DesksAnswer,
  DesksExportRequest,
  DesksRequest,
  FloorAnswer,
  FloorRequest,
  TimelineAnswer,
  TimelineRequest,
} from '../../contracts/console/desks.ts';
import { consoleRoute, type Route } from '../http/route.ts';
import { type ExportDeps, exportDesks } from './export-desks.ts';
import { readFloor } from './floor.ts';
import { listDesks } from './list-desks.ts';
import { readDesk } from './read-desk.ts';
import { readTimeline } from './timeline.ts';

const Csv = z.instanceof(Readable).meta({ type: 'string', description: 'one line a desk, below their titles' });

export function deskRoutes(deps: ExportDeps): readonly Route[] {
  const { keyring } = deps;
  return [
    consoleRoute({
      method: 'GET',
      path: '/api/v1/floor',
      summary: 'Who can take calls now: desks by group and standing, and what keeps most of them',
      who: 'signed-in',
      needs: 'LiveBoard.Access',
      query: FloorRequest,
      answer: FloorAnswer,
      handle: (call) => readFloor(call, call.query),
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/desks',
      summary: 'Desks, the worst first',
      who: 'signed-in',
      needs: 'Devices.View',
      query: DesksRequest,
      answer: DesksAnswer,
      handle: (call) => listDesks(call, keyring, call.query),
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/desks.csv',
      summary: 'Desks as CSV, by id',
      who: 'signed-in',
      needs: 'Devices.View',
      query: DesksExportRequest,
      answer: Csv,
      type: 'text/csv',
      async handle({ actor, query, header }) {
        header('content-disposition', 'attachment; filename="desks.csv"');
        header('x-content-type-options', 'nosniff');
        return exportDesks(deps, actor, query);
      },
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/desks/:id',
      summary: 'One desk with its findings and their evidence; the audit names who read it',
      who: 'signed-in',
      needs: 'Devices.View',
      params: DeskParams,
      answer: DeskAnswer,
      handle: (call) => {
        call.audit({ type: 'device', id: call.params.id });
        return readDesk(call, keyring, call.params.id);
      },
    }),
    consoleRoute({
      method: 'GET',
      path: '/api/v1/desks/:id/timeline',
      summary: 'What a desk told, the newest first; the audit names who read it',
      who: 'signed-in',
      needs: 'Devices.View',
      params: DeskParams,
      query: TimelineRequest,
      answer: TimelineAnswer,
      handle: (call) => {
        call.audit({ type: 'device', id: call.params.id });
        return readTimeline(call, keyring, call.params.id, call.query);
      },
    }),
  ];
}
