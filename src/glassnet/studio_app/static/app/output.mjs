export const Output = () => null;
