import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export interface TypedColumn {
  /** What a query reads, without null. */
  reads: string;
  nullable: boolean;
  /** An insert may leave it out. */
  optional: boolean;
}

const tablesFile = fileURLToPath(new URL('../../../fleet/db/tables.ts', import.meta.url));

/** The columns that fleet/db/tables.ts declares, by table, as the compiler understands them. */
export function typedTables(): Map<string, Map<string, TypedColumn>> {
  const program = ts.createProgram([tablesFile], {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    types: ['node'],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(tablesFile);
  const declaration = source?.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === 'Tables');
  if (!declaration) throw new Error(`${tablesFile} declares no interface Tables`);
  const columnsOf = (table: ts.Type) =>
    new Map(checker.getPropertiesOfType(table).map((column) => [column.name, columnOf(checker.getTypeOfSymbol(column), checker)] as const));
  return new Map(
    checker
      .getPropertiesOfType(checker.getTypeAtLocation(declaration))
      .map((table) => [table.name, columnsOf(checker.getTypeOfSymbol(table))]),
  );
}

function columnOf(type: ts.Type, checker: ts.TypeChecker): TypedColumn {
  // Kysely's ColumnType: what is read and what is inserted are apart.
  const read = part(type, '__select__', checker) ?? type;
  const inserted = part(type, '__insert__', checker) ?? type;
  // What is read of JSON is unknown, null or not: what may be inserted tells.
  const json = (read.flags & ts.TypeFlags.Unknown) !== 0;
  return {
    reads: json ? 'unknown' : nameOf(checker.getNonNullableType(read), checker),
    nullable: has(json ? inserted : read, ts.TypeFlags.Null),
    // Never: the database computes it.
    optional: has(inserted, ts.TypeFlags.Null | ts.TypeFlags.Undefined | ts.TypeFlags.Never),
  };
}

function nameOf(type: ts.Type, checker: ts.TypeChecker): string {
  return checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation).replace('Buffer<ArrayBufferLike>', 'Buffer');
}

function part(type: ts.Type, name: string, checker: ts.TypeChecker): ts.Type | undefined {
  const symbol = type.getProperty(name);
  return symbol && checker.getTypeOfSymbol(symbol);
}

function has(type: ts.Type, flags: ts.TypeFlags): boolean {
  return type.isUnion() ? type.types.some((member) => (member.flags & flags) !== 0) : (type.flags & flags) !== 0;
}
