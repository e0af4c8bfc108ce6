// Links within the portal: real addresses that can be opened in a new tab, followed without loading the page again.

import { Button, type ButtonProps } from '@fluentui/react-components';
import type { AnchorHTMLAttributes, MouseEvent, ReactNode } from 'react';
import { useLocation } from 'wouter';

const plain = (e: MouseEvent): boolean => e.button === 0 && !e.metaKey && !e.ctrlKey && !e.shiftKey && !e.altKey && !e.defaultPrevented;

function useFollow(href: string) {
  const [, navigate] = useLocation();
  return (e: MouseEvent) => {
    if (!plain(e)) return;
    e.preventDefault();
    navigate(href);
  };
}

export function Anchor({ href, children, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string; children: ReactNode }) {
  const follow = useFollow(href);
  return (
    <a
      href={href}
      {...rest}
      onClick={(e) => {
        onClick?.(e);
        follow(e);
      }}
    >
      {children}
    </a>
  );
}

type ButtonLinkProps = Pick<ButtonProps, 'appearance' | 'icon' | 'size'> & { href: string; children: ReactNode };

/** Looks like a button because it begins something; is a link because it has an address. */
export function ButtonLink({ href, children, ...rest }: ButtonLinkProps) {
  const follow = useFollow(href);
  return (
    <Button as="a" href={href} onClick={follow as never} {...rest}>
      {children}
    </Button>
  );
}
