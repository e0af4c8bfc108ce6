import { Component, type ReactNode } from 'react';
import { ErrorView } from './ErrorView';
import styles from './ErrorView.module.css';

/** A page that breaks, breaks alone. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error?: unknown }> {
  override state: { error?: unknown } = {};

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === undefined) return this.props.children;
    return (
      <div className={styles.page}>
        <ErrorView error={this.state.error} title="This page could not be shown" onRetry={() => window.location.reload()} />
      </div>
    );
  }
}
