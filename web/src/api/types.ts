// What goes over the wire, member for member as the three APIs spell it.

export type * from './shapes/allocation';
export type * from './shapes/enrollments';
export type * from './shapes/hubs';
export type * from './shapes/insight';
export type * from './shapes/registrations';
export type * from './shapes/resources';
export type * from './shapes/session';
