// Rows and columns: can be chosen from and sorted; on a narrow screen each row becomes a card of its own.

import { ArrowDown12Regular, ArrowUp12Regular } from '@fluentui/react-icons';
import type { ReactNode } from 'react';
import styles from './DataTable.module.css';

export interface Column<Row> {
  name: string;
  /** The heading is for listeners only. */
  unseen?: boolean;
  cell: (row: Row) => ReactNode;
  width?: string;
  align?: 'end';
  /** Sentences: they take the room that is left, on as many lines as they need. */
  wrap?: boolean;
  /** The column by which rows can be ordered. */
  sortable?: boolean;
}

export interface Selection {
  chosen: ReadonlySet<string>;
  onChange: (chosen: ReadonlySet<string>) => void;
}

interface DataTableProps<Row> {
  label: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  /** What a row is called where it is chosen; its key unless given. */
  order?: 'asc' | 'desc';
  onOrder?: (order: 'asc' | 'desc') => void;
  selection?: Selection;
  /** Other rows are on their way. */
  stale?: boolean;
}

function Heading<Row>({ column, order, onOrder }: { column: Column<Row> } & Pick<DataTableProps<Row>, 'order' | 'onOrder'>) {
  if (column.unseen) return <span className="unseen">{column.name}</span>;
  if (!column.sortable || !onOrder) return <>{column.name}</>;
  return (
    <button type="button" className={styles.sort} onClick={() => onOrder(order === 'asc' ? 'desc' : 'asc')}>
      {column.name}
      {order === 'asc' ? <ArrowUp12Regular aria-hidden /> : <ArrowDown12Regular aria-hidden />}
    </button>
  );
}

const sortOf = (sortable: boolean | undefined, order: 'asc' | 'desc' | undefined) =>
  sortable && order ? (order === 'asc' ? 'ascending' : 'descending') : undefined;

export function DataTable<Row>({ label, rows, columns, rowKey, order, onOrder, selection, stale }: DataTableProps<Row>) {
  const all = rows.map(rowKey);
  const chosenHere = selection ? all.filter((key) => selection.chosen.has(key)).length : 0;
  const toggle = (names: string[], on: boolean) => {
    if (!selection) return;
    const next = new Set(selection.chosen);
    names.forEach((name) => (on ? next.add(name) : next.delete(name)));
    selection.onChange(next);
  };
  return (
    <div className={styles.scroll} data-stale={stale || undefined}>
      <table className={styles.table} role="table" aria-label={label} aria-busy={stale || undefined}>
        <thead role="rowgroup">
          <tr role="row">
            {selection && (
              <th role="columnheader" className={styles.check}>
                <input
                  type="checkbox"
                  aria-label="Choose all of this page"
                  checked={chosenHere > 0 && chosenHere === all.length}
                  ref={(box) => {
                    if (box) box.indeterminate = chosenHere > 0 && chosenHere < all.length;
                  }}
                  onChange={(e) => toggle(all, e.target.checked)}
                />
              </th>
            )}
            {columns.map((column) => (
              <th
                key={column.name}
                role="columnheader"
                scope="col"
                data-align={column.align}
                style={{ width: column.width }}
                aria-sort={sortOf(column.sortable, order)}
              >
                <Heading column={column} order={order} onOrder={onOrder} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => {
            const key = rowKey(row);
            return (
              <tr key={key} role="row" data-chosen={selection?.chosen.has(key) || undefined}>
                {selection && (
                  <td role="cell" className={styles.check}>
                    <input
                      type="checkbox"
                      aria-label={`Choose ${key}`}
                      checked={selection.chosen.has(key)}
                      onChange={(e) => toggle([key], e.target.checked)}
                    />
                  </td>
                )}
                {columns.map((column, i) => (
                  <td key={column.name} role="cell" data-align={column.align} data-lead={i === 0 || undefined} data-wrap={column.wrap} data-label={column.unseen ? '' : column.name}>
                    <div className={styles.cell}>{column.cell(row)}</div>
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
