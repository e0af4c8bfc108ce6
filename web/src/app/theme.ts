// Light and dark, in the colour of deep harbour water.

import { createDarkTheme, createLightTheme, type BrandVariants, type Theme } from '@fluentui/react-components';

const water: BrandVariants = {
  10: '#02191f',
  20: '#052b35',
  30: '#073a48',
  40: '#084858',
  50: '#085567',
  60: '#086175',
  70: '#096b81',
  80: '#0b778f',
  90: '#2b8aa1',
  100: '#4a9db2',
  110: '#66afc2',
  120: '#80bfd0',
  130: '#99cedd',
  140: '#b3dde9',
  150: '#cbe9f2',
  160: '#e2f4f9',
};

const type: Partial<Theme> = {
  fontFamilyBase: "'Inter Variable', 'Segoe UI', system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'Cascadia Code', 'SF Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace",
};

export const light: Theme = { ...createLightTheme(water), ...type };

export const dark: Theme = {
  ...createDarkTheme(water),
  ...type,
  colorBrandForeground1: water[110],
  colorBrandForeground2: water[120],
  colorBrandForegroundLink: water[120],
  colorBrandForegroundLinkHover: water[130],
  colorCompoundBrandForeground1: water[110],
  colorNeutralForeground3: '#b3b3b3',
};
