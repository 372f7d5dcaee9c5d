export const Walk = () => null;
