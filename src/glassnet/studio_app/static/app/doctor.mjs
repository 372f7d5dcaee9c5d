export const Doctor = () => null;
