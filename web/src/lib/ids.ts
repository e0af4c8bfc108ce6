// Which names the server takes, told before it is asked. Undefined: the name is good; else a sentence.

export function faultOfRegistrationId(id: string): string | undefined {
  if (id === '') return 'A registration ID is needed.';
  if (id.length > 128) return 'At most 128 characters.';
  if (!/^[A-Za-z0-9._:-]+$/.test(id)) return 'Letters, digits and - . _ : only.';
  if (!/[A-Za-z0-9-]$/.test(id)) return 'The last character must be a letter, a digit or -.';
  return undefined;
}

export function faultOfDeviceId(id: string): string | undefined {
  if (id.length > 128) return 'At most 128 characters.';
  if (id !== '' && !/^[A-Za-z0-9\-:.+%_#*?!(),=@;$']+$/.test(id)) return "Letters, digits and - : . + % _ # * ? ! ( ) , = @ ; $ ' only.";
  return undefined;
}

/** Of provisioning services and hubs: they become host names. */
export function faultOfResourceName(name: string): string | undefined {
  if (name.length < 3 || name.length > 50) return '3 to 50 characters.';
  if (!/^[A-Za-z0-9-]+$/.test(name)) return 'Letters, digits and - only.';
  if (/^-|-$/.test(name)) return 'No - at either end.';
  if (/^\d+$/.test(name)) return 'At least one letter.';
  if (/^(global|portal)$/i.test(name)) return 'The names global and portal are this server’s own.';
  return undefined;
}

export function faultOfWeight(text: string): string | undefined {
  const n = Number(text);
  return /^\d+$/.test(text) && n >= 1 && n <= 1000 ? undefined : 'A whole number from 1 to 1000.';
}

export function faultOfPassword(text: string): string | undefined {
  if (text.length < 12) return 'At least 12 characters.';
  if (text.length > 128) return 'At most 128 characters.';
  return undefined;
}
