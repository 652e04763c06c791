// A utility process: doubles a number, and tells whether a date came as a date.
process.parentPort.on('message', ({ data }) => process.parentPort.postMessage({ n: data.n * 2, isDate: data.d instanceof Date }));
