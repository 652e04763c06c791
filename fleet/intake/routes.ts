import { z } from 'zod';
import { HeartbeatAnswer, ReportAnswer } from '../../contracts/fleet-api.ts';
import { batchedRoute, type Route } from '../http/route.ts';
import type { Intake } from './intake.ts';

/** Read by intake itself, which names another schema number as what it is, and a fault by its exact path. */
const Body = z.unknown();

export function intakeRoutes({ intake }: { intake: Intake }): readonly Route[] {
  return [
    batchedRoute({
      method: 'POST',
      path: '/device/v1/reports',
      summary: 'Take one report; answered once it is stored. The body is `Report` of schema 1',
      who: 'device',
      body: Body,
      answer: ReportAnswer,
      handle: ({ device, body }) => intake.report(device, body),
    }),
    batchedRoute({
      method: 'POST',
      path: '/device/v1/heartbeat',
      summary: 'Hear that a desk is there, and say what the fleet has for it. The body is `Heartbeat` of schema 1',
      who: 'device',
      body: Body,
      answer: HeartbeatAnswer,
      handle: ({ device, body }) => intake.heartbeat(device, body),
    }),
  ];
}
