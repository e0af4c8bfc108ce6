// Which hub a device belongs to, by the model that it tells of itself: a function for HTTP requests in the form that Azure Functions
// run (context, request in; context.res out). Nothing here knows what calls it.
'use strict';

// Model to hub: the hub's name is the first label of its host name.
const lines = JSON.parse(process.env.LINES || '{"press":"hub1","mill":"hub2"}');

const refuse = (status, reason) => ({ status, body: reason });
const hubNamed = (hosts, name) => hosts.find((host) => host.split('.')[0].toLowerCase() === name);

function place({ deviceRuntimeContext: device, linkedHubs }) {
  const model = device.payload?.model;
  // A device that says nothing stays where it is.
  if (model === undefined && device.currentIotHubHostName) return { body: { iotHubHostName: device.currentIotHubHostName } };
  const host = hubNamed(linkedHubs, lines[model]);
  if (!host) return refuse(400, `no hub for model ${model}`);
  return {
    body: {
      iotHubHostName: host,
      initialTwin: { tags: { model }, properties: { desired: { reportEverySeconds: 60 } } },
      payload: { welcome: device.registrationId, again: Boolean(device.currentIotHubHostName) },
    },
  };
}

module.exports = async function (context, request) {
  const question = request.body;
  if (!question?.deviceRuntimeContext || !Array.isArray(question.linkedHubs)) {
    context.res = refuse(400, 'this is no question of a provisioning service');
    return;
  }
  context.log(`placing ${question.deviceRuntimeContext.registrationId}`);
  context.res = place(question);
};
