#!/bin/sh
exec /usr/lib/deskwarden/bin/node /usr/lib/deskwarden/agent/deskwarden.js "$@"
