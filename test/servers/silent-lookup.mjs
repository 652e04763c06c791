// Stands for an operating system whose lookups hang: takes every question and answers none.
process.on('message', () => {});
process.send('ready');
