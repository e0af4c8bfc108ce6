// Text that comes in pieces, as the lines it is made of.

export interface LineSplitter {
  take: (piece: string) => void;
  /** A last line needs no line feed. */
  end: () => void;
}

/** Lines that are empty are left out. */
export function lineSplitter(onLine: (line: string) => void): LineSplitter {
  let held = '';
  const tell = (line: string) => {
    if (line.trim() !== '') onLine(line);
  };
  return {
    take(piece) {
      const lines = (held + piece).split('\n');
      held = lines.pop() ?? '';
      lines.forEach(tell);
    },
    end() {
      tell(held);
      held = '';
    },
  };
}
