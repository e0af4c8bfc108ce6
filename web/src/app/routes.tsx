// Which page is at which address. Every page is loaded when it is first needed.

import { lazy, type ComponentType } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { NotFound } from '../pages/NotFound';
import { paths } from './paths';

type Load<Props> = () => Promise<{ default: ComponentType<Props> }>;
const page = <Props,>(load: Load<Props>) => lazy(load);

const AllResources = page(() => import('../pages/resources/AllResources'));
const NewService = page(() => import('../pages/resources/NewService'));
const NewHub = page(() => import('../pages/resources/NewHub'));
const Guide = page(() => import('../pages/guide/Guide'));
const Account = page(() => import('../pages/account/Account'));
const Operators = page(() => import('../pages/account/Operators'));
const Live = page(() => import('../live/LivePage'));
const ServiceOverview = page(() => import('../pages/service/ServiceOverview'));
const Enrollments = page(() => import('../pages/enrollments/Enrollments'));
const EnrollmentPage = page(() => import('../pages/enrollments/EnrollmentPage'));
const GroupPage = page(() => import('../pages/enrollments/GroupPage'));
const Import = page(() => import('../pages/enrollments/Import'));
const Allocation = page(() => import('../pages/allocation/AllocationPolicy'));
const Links = page(() => import('../pages/links/LinkedHubs'));
const NewLink = page(() => import('../pages/links/AddLink'));
const Certificates = page(() => import('../pages/certificates/Certificates'));
const CertificatePage = page(() => import('../pages/certificates/CertificatePage'));
const Policies = page(() => import('../pages/policies/AccessPolicies'));
const Registrations = page(() => import('../pages/registrations/Registrations'));
const Registration = page(() => import('../pages/registrations/Registration'));
const Explain = page(() => import('../pages/registrations/Explain'));
const HubOverview = page(() => import('../pages/hub/HubOverview'));
const Devices = page(() => import('../pages/hub/Devices'));
const DevicePage = page(() => import('../pages/hub/DevicePage'));

/** What a part of an address says: characters that were escaped are themselves again. */
const said = (part: string | undefined): string => {
  try {
    return decodeURIComponent(part ?? '');
  } catch {
    return part ?? '';
  }
};

export function Routes() {
  return (
    <Switch>
      <Route path="/">
        <Redirect to={paths.resources} replace />
      </Route>
      <Route path={paths.resources} component={AllResources} />
      <Route path={paths.newService} component={NewService} />
      <Route path={paths.newHub} component={NewHub} />
      <Route path={paths.live}>{() => <Live />}</Route>
      <Route path={paths.guide} component={Guide} />
      <Route path={paths.account} component={Account} />
      <Route path={paths.operators} component={Operators} />
      <Route path="/services/:service">{({ service }) => <Redirect to={paths.service(said(service))} replace />}</Route>
      <Route path="/services/:service/overview">{({ service }) => <ServiceOverview service={said(service)} />}</Route>
      <Route path="/services/:service/live">{({ service }) => <Live service={said(service)} />}</Route>
      <Route path="/services/:service/enrollments">{({ service }) => <Enrollments service={said(service)} kind="individual" />}</Route>
      <Route path="/services/:service/enrollments/add">{({ service }) => <EnrollmentPage service={said(service)} />}</Route>
      <Route path="/services/:service/enrollments/import">{({ service }) => <Import service={said(service)} />}</Route>
      <Route path="/services/:service/enrollments/entry/:id">
        {({ service, id }) => <EnrollmentPage key={id} service={said(service)} id={said(id)} />}
      </Route>
      <Route path="/services/:service/enrollment-groups">{({ service }) => <Enrollments service={said(service)} kind="group" />}</Route>
      <Route path="/services/:service/enrollment-groups/add">{({ service }) => <GroupPage service={said(service)} />}</Route>
      <Route path="/services/:service/enrollment-groups/group/:id">
        {({ service, id }) => <GroupPage key={id} service={said(service)} id={said(id)} />}
      </Route>
      <Route path="/services/:service/allocation-policy">{({ service }) => <Allocation service={said(service)} />}</Route>
      <Route path="/services/:service/linked-hubs">{({ service }) => <Links service={said(service)} />}</Route>
      <Route path="/services/:service/linked-hubs/add">{({ service }) => <NewLink service={said(service)} />}</Route>
      <Route path="/services/:service/certificates">{({ service }) => <Certificates service={said(service)} />}</Route>
      <Route path="/services/:service/certificates/:name">
        {({ service, name }) => <CertificatePage key={name} service={said(service)} name={said(name)} />}
      </Route>
      <Route path="/services/:service/access-policies">{({ service }) => <Policies owner="service" name={said(service)} />}</Route>
      <Route path="/services/:service/registrations">{({ service }) => <Registrations service={said(service)} />}</Route>
      <Route path="/services/:service/registrations/:id">
        {({ service, id }) => <Registration key={id} service={said(service)} id={said(id)} />}
      </Route>
      <Route path="/services/:service/explain">{({ service }) => <Explain service={said(service)} />}</Route>
      <Route path="/hubs/:hub">{({ hub }) => <Redirect to={paths.hub(said(hub))} replace />}</Route>
      <Route path="/hubs/:hub/overview">{({ hub }) => <HubOverview hub={said(hub)} />}</Route>
      <Route path="/hubs/:hub/devices">{({ hub }) => <Devices hub={said(hub)} />}</Route>
      <Route path="/hubs/:hub/devices/:id">{({ hub, id }) => <DevicePage key={id} hub={said(hub)} id={said(id)} />}</Route>
      <Route path="/hubs/:hub/access-policies">{({ hub }) => <Policies owner="hub" name={said(hub)} />}</Route>
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}
